#pragma once
#include "estimate/scenario.hpp"
#include "training/step.hpp"

namespace gpumem {

/// Whether ranks keep parts of what is trained, or all of it and sum their gradients.
bool is_spread(const Scenario& scenario);

/// Runs one rank's step of a training spread over data-parallel ranks; `plan` is the step without them. What the rank keeps
/// in the processor's memory.
Parts run_spread_step(Machine& m, const Scenario& scenario, const TrainingPlan& plan, bool every_layer);

}  // namespace gpumem
