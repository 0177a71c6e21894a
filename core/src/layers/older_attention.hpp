#pragma once
// Attention of families whose modelling code does not share transformers' common form.

#include "layers/attention.hpp"

namespace gpumem {

/// x [b, s, h] normalised; the residual is added inside.
AttentionResult bloom_attention(Machine& m, const AttentionLayer& a, const Value& x, const Value& residual, const Pass& pass);

/// The attention of whichever form `a` has; BLOOM's and Falcon's are called by their layers.
AttentionResult own_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass);

/// Source: [litgpt] lit_gpt/model.py CausalSelfAttention.forward
AttentionResult litgpt_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass);

/// x [b, s, h]: the whole layer.
Value mpt_layer(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass);

/// A slope a head times the distance: [b·heads, 1, tokens], in the model's format; the others stay beside it.
Value linear_biases(Machine& m, const Pass& pass, const AttentionLayer& a, const Format* format, Value& positions, Value& ones);

/// The mask as that family makes it.
Value own_mask(Machine& m, const AttentionLayer& a, Pass& pass, const Format* format);

}  // namespace gpumem
