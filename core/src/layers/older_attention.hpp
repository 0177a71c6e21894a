#pragma once
// Attention of families whose modelling code does not share transformers' common form.

#include "layers/attention.hpp"

namespace gpumem {

/// x [b, s, h] normalised; the residual is added inside.
AttentionResult bloom_attention(Machine& m, const AttentionLayer& a, const Value& x, const Value& residual, const Pass& pass);

AttentionResult gptj_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass);

/// A slope a head times the distance: [b·heads, 1, tokens], in the model's format.
Value linear_biases(Machine& m, const Pass& pass, double heads, const Format* format);

}  // namespace gpumem
