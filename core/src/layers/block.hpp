#pragma once
#include "layers/decoder.hpp"
#include "layers/pass.hpp"

namespace gpumem {

/// One decoder layer: x [b, s, h] → [b, s, h].
Value decoder_layer(Machine& m, const DecoderLayer& layer, Value x, const Pass& pass);

/// The same for orders that encoders and the decoders attending to them have (encoder_block.cpp).
Value encoder_layer(Machine& m, const DecoderLayer& layer, Value x, const Pass& pass);

}  // namespace gpumem
