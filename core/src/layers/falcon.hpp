#pragma once
#include "layers/decoder.hpp"
#include "layers/pass.hpp"

namespace gpumem {

/// x [b, s, h]: the whole layer. Its order says how it is built: `parallel` with a norm for each sub-layer, `one_norm`
/// with one for both, `sequential`.
Value falcon_layer(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass);

/// A slope a head times the distance [b, heads, 1, tokens]; `ones`: the mask it is counted from.
Value falcon_biases(Machine& m, const Pass& pass, double heads, const Format* format, Value& positions, Value& ones);

/// Falcon masks also where no kernel needs it; with biases by distance those are part of the mask.
Value falcon_mask(Machine& m, const AttentionLayer& a, Pass& pass, const Format* format);

}  // namespace gpumem
