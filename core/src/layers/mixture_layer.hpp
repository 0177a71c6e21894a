#pragma once
#include "layers/decoder.hpp"
#include "layers/pass.hpp"

namespace gpumem {

/// A layer whose attention and feed-forward part are mixtures of experts both.
Value mixture_layer(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass);

}  // namespace gpumem
