#pragma once
#include "layers/decoder.hpp"
#include "machine/machine.hpp"

namespace gpumem {

/// Rows x [tokens, h] through the experts that they were sent to, weighted by `routing_weights` [tokens, top], and summed.
Value separate_experts(Machine& m, const ExpertsLayer& layer, const Value& x, const Value& routing_weights);

Value looped_experts(Machine& m, const ExpertsLayer& l, const Value& x, const Value& routing_weights);

}  // namespace gpumem
