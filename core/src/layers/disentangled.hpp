#pragma once
// Attention between contents and distances (DeBERTa).

#include "layers/attention.hpp"
#include "layers/encoder_model.hpp"

namespace gpumem {

/// x [b, s, h], with `pass.distances` and `pass.distance_rows`.
AttentionResult disentangled_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass);

/// What every layer reads beside the hidden states: a mask of pairs, distances, a row for each of them.
void prepare_distances(Machine& m, const Stack& stack, double width, Pass& pass);

/// Rows of embeddings through a convolution, added to what the first layer made of them.
Value convolved_beside(Machine& m, const Stack& stack, const Value& embedded, const Value& made);

}  // namespace gpumem
