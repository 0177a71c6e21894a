#pragma once
// Adapters beside LoRA, as peft's own layers run them.

#include "layers/dense.hpp"

namespace gpumem {

/// What is added to a linear's result: x through shared random matrices with trained factors (VeRA), or times a change of
/// the whole weight, made anew for each use (LoHa, LoKr).
Value beside_base(Machine& m, const Adaptation& a, const Value& x, double width);

/// x turned, block by block, before the base reads it, in the adapter's format (OFT).
Value rotated(Machine& m, const Adaptation& a, Value x);

/// VeRA's two random matrices, as large as the widest linears need; all layers share them.
void add_shared_matrices(Machine& m);

}  // namespace gpumem
