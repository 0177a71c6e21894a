#pragma once
#include "layers/decoder.hpp"
#include "machine/machine.hpp"

namespace gpumem {

/// x [..., h] through the feed-forward part and back to h.
Value mlp(Machine& m, const MlpLayer& layer, Value x);

/// The halves of one without a gate: up to the activation, and from there.
Value mlp_inner(Machine& m, const MlpLayer& layer, const Value& x);
Value mlp_outer(Machine& m, const MlpLayer& layer, const Value& inner, double hidden);

/// An activation function by itself.
Value activate(Machine& m, Activation kind, Value x);

}  // namespace gpumem
