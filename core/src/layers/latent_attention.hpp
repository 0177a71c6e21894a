#pragma once
#include "layers/attention.hpp"

namespace gpumem {

/// x [b, s, h], already normalised: multi-head latent attention.
AttentionResult latent_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass);

}  // namespace gpumem
