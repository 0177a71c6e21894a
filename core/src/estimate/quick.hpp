#pragma once
#include "estimate/scenario.hpp"

namespace gpumem {

/// The rules of thumb of a well-known page, as a named estimate beside the exact one.
Document quick_estimate(const Scenario& scenario, double parameters);

}  // namespace gpumem
