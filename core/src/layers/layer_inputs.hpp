#pragma once
// Inputs that layers get each for itself, and hidden states that lie side by side (Gemma 3n, Gemma 4).

#include "layers/decoder.hpp"
#include "layers/pass.hpp"

namespace gpumem {

/// [b, s, layers, width]: what a second table of tokens says, and a projection of the embeddings.
Value layer_inputs(Machine& m, const Decoder& model, const Value& ids, const Value& embeddings);
/// The same pass as that layer sees it.
Pass with_input_of_layer(Machine& m, const DecoderLayer& l, const Pass& pass);
/// x + norm(project(activation(gate(x)) · input))
Value let_in(Machine& m, const DecoderLayer& l, Value x, const Value& input);
/// The passed tokens alone that logits are asked of, where layers only borrow keys and values: they make none for others.
void keep_last_tokens(Machine& m, Pass& pass, Value& hidden);

/// The embeddings and projections of them, as [streams, b, s, h]; `held` until the model returns.
Value spread(Machine& m, const DecoderLayer& l, const Value& embeddings, std::vector<Value>& held);
/// Back to one: the mean of what all are projected to.
Value gather_streams(Machine& m, const DecoderLayer& l, const Value& hidden, std::vector<Value>& held);
Value streams_layer(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass);
/// Numbers that such a model keeps in tensors.
void stream_buffers(Machine& m, const Decoder& model, std::vector<Value>& held);

}  // namespace gpumem
