// Falcon: two arrangements of the layer, rotary positions or biases by distance.

#include <cmath>

#include "architectures/common.hpp"

namespace gpumem {

/// Source: [transformers] models/falcon/modeling_falcon.py, configuration_falcon.py
Decoder falcon(Fields& c) {
  DecoderLayer layer = layer_norm_layer();
  const bool newer = c.flag({"new_decoder_architecture"}, false);
  const bool one_key = c.flag({"multi_query"}, true) && !newer;
  const bool beside = c.flag({"parallel_attn"}, true) || newer;
  const double norms = c.count({"num_ln_in_parallel_attn"}, newer ? 2 : 1, 1, 2);
  layer.order = !beside ? DecoderLayer::Order::sequential : newer && norms == 2 ? DecoderLayer::Order::parallel : DecoderLayer::Order::one_norm;
  layer.mlp.activation = read_activation(c, {"activation"}, "gelu");
  layer.mlp.bias = layer.attention.input_bias = layer.attention.output_bias = c.flag({"bias"}, false);
  layer.attention.form = AttentionLayer::Form::falcon;
  layer.attention.projection = newer ? AttentionLayer::Projection::grouped : one_key ? AttentionLayer::Projection::split : AttentionLayer::Projection::sliced;
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  layer.dropout = c.number({"hidden_dropout"}, 0, 0, 1);
  const double hidden = c.count({"hidden_size", "n_embed"}, 4544, 1, most_width);
  Decoder m = plain_decoder(c, {.vocabulary = 65024, .hidden = hidden, .width = 4 * hidden, .layers = 32, .heads = 71, .tied = true}, layer);
  const double heads = m.layers[0].attention.heads;
  const double keys = one_key ? 1 : newer ? c.count({"num_kv_heads"}, heads, 1, most_heads) : heads;
  if (std::fmod(heads, keys) != 0) c.report("num_kv_heads", "not-divisible", "must divide num_attention_heads");
  const double width = c.count({"ffn_hidden_size"}, 4 * m.hidden, 1, most_width);
  for (DecoderLayer& l : m.layers) l.attention.kv_heads = keys, l.mlp.width = width;
  m.linear_biases = c.flag({"alibi"}, false);
  m.final_norm = NormKind::layer;
  return m;
}

}  // namespace gpumem
