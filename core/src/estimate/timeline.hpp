#pragma once
#include "estimate/run.hpp"

namespace gpumem {

/// The highest moments of the step in order of time, one for each phase and layer; layers that were not run are filled
/// in between those that were: what is alive is an affine function of the layer.
std::vector<Stretch> whole_timeline(const Run& run);

}  // namespace gpumem
