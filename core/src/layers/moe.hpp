#pragma once
#include "layers/decoder.hpp"
#include "machine/machine.hpp"

namespace gpumem {

/// x [b, s, h] through the experts that a router chooses for each token, and back to h.
Value mixture_of_experts(Machine& m, const ExpertsLayer& layer, const Value& x);

}  // namespace gpumem
