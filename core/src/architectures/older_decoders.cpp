// Decoders whose attention is code of their own, without a fused kernel.

#include <algorithm>

#include "architectures/common.hpp"

namespace gpumem {

/// Source: [transformers] models/bloom/modeling_bloom.py
Decoder bloom(Fields& c) {
  DecoderLayer layer = layer_norm_layer();
  layer.order = DecoderLayer::Order::sums_inside;
  layer.residual_normed = c.flag({"apply_residual_connection_post_layernorm"}, false);
  layer.mlp.activation = Activation::gelu_function;
  layer.attention.projection = AttentionLayer::Projection::sliced;
  layer.attention.rotary = AttentionLayer::Rotary::none;
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  layer.dropout = layer.attention.output_dropout = c.number({"hidden_dropout"}, 0, 0, 1);
  const double hidden = c.count({"hidden_size", "n_embed"}, 64, 1, most_width);
  Decoder m = plain_decoder(c, {.vocabulary = 250880, .hidden = hidden, .width = 4 * hidden, .layers = 2, .heads = 8,
                                .tied = true}, layer);
  m.max_positions = c.count({"seq_length"}, 2048, 1, most_tokens);
  for (DecoderLayer& l : m.layers) l.mlp.width = 4 * m.hidden;
  m.embedding_norm = m.final_norm = NormKind::layer;
  m.linear_biases = m.eager_only = m.loss_once_narrow = true;
  return m;
}

/// Source: [transformers] models/gptj/modeling_gptj.py
Decoder gptj(Fields& c) {
  DecoderLayer layer = layer_norm_layer();
  layer.order = DecoderLayer::Order::one_norm;
  layer.mlp.activation = read_activation(c, {"activation_function"}, "gelu_new");
  layer.attention.form = AttentionLayer::Form::gptj;
  layer.attention.rotary = AttentionLayer::Rotary::none;
  layer.attention.input_bias = layer.attention.output_bias = false;
  layer.attention.dropout = c.number({"attn_pdrop"}, 0, 0, 1);
  layer.mlp.dropout = layer.attention.output_dropout = c.number({"resid_pdrop"}, 0, 0, 1);
  const double hidden = c.count({"n_embd", "hidden_size"}, 4096, 1, most_width);
  Decoder m = plain_decoder(c, {.vocabulary = 50400, .hidden = 4096, .width = 4 * hidden, .layers = 28, .heads = 16}, layer);
  const double rotated = c.count({"rotary_dim"}, 64, 1, most_width);
  for (DecoderLayer& l : m.layers) {
    l.attention.rotary_dim = std::min(rotated, l.attention.head_dim);
    l.attention.position_rows = m.max_positions;
  }
  m.final_norm = NormKind::layer;
  m.head_bias = m.eager_only = true;
  m.embedding_dropout = c.number({"embd_pdrop"}, 0, 0, 1);
  return m;
}

}  // namespace gpumem
