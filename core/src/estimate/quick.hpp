#pragma once
#include "estimate/scenario.hpp"

namespace gpumem {

/// The rules of thumb of a well-known page, as a named estimate beside the exact one. With adapters: inference of the
/// base and training of the `trained` parameters beside it.
Document quick_estimate(const Scenario& scenario, double parameters, double trained = 0);

}  // namespace gpumem
