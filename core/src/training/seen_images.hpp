#pragma once
// Images among the tokens that a step trains on.

#include "layers/image_reader.hpp"
#include "training/step.hpp"

namespace gpumem {

/// Runs the tower when the tokens have been looked up, and puts what it makes in their places; `seen` and `placed` are what the
/// model's output holds.
void show_images(ModelRun& run, const TrainingPlan& plan, const Value& pixels, SeenImages& seen, std::vector<Value>& placed);

/// What the tower made beyond the layer that is read goes with the model's output, and what it saved for backward with it.
void forget_unread(Machine& m, const SeenImages& seen);

}  // namespace gpumem
