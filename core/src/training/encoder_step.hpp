#pragma once
// One steady-state training step of a model with an encoder.

#include "layers/encoder_run.hpp"
#include "training/step.hpp"

namespace gpumem {

/// Runs the step on `m`, which must be new. `plan.tokens` is the length of the text: of the labels, and of what the
/// encoder reads where that is tokens. Phases as in step.hpp; a model without a vocabulary has no phase `loss`.
void run_encoder_step(Machine& m, const EncoderModel& model, const TrainingPlan& plan, bool every_layer = false);

/// Asks the model's program for its parameters: `m.parameters` is filled, and all weights are put in memory.
void declare_parameters(Machine& m, EncoderRun& run, const EncoderModel& model, const Format* format);

}  // namespace gpumem
