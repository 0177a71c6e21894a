#pragma once
#include "layers/decoder.hpp"
#include "machine/machine.hpp"

namespace gpumem {

/// x [..., h] through the feed-forward part and back to h.
Value mlp(Machine& m, const MlpLayer& layer, Value x);

/// An activation function by itself.
Value activate(Machine& m, Activation kind, Value x);

}  // namespace gpumem
