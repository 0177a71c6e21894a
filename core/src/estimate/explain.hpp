#pragma once
#include "estimate/run.hpp"

namespace gpumem {

/// For each component: the formula, the same with this scenario's numbers in it, and the source.
Document explanations(const Scenario& scenario, const Run& run);
/// Where only weights are known, as a count or one by one.
Document explanations_for_count(const Scenario& scenario, double parameters);

}  // namespace gpumem
