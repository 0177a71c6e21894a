#pragma once
#include "estimate/scenario.hpp"
#include "training/step.hpp"

namespace gpumem {

/// Runs one rank's step of a training spread over data-parallel ranks; `plan` is the step without them.
void run_spread_step(Machine& m, const Scenario& scenario, const TrainingPlan& plan, bool every_layer);

}  // namespace gpumem
