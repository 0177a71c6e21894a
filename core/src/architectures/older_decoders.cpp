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

/// Source: [transformers] models/mpt/modeling_mpt.py: the layer's width follows from `d_model` alone
Decoder mpt(Fields& c) {
  Fields own = c.record("attn_config");
  DecoderLayer layer = layer_norm_layer();
  layer.norm = NormKind::layer_unbiased;
  layer.mlp.bias = layer.attention.input_bias = layer.attention.output_bias = false;
  layer.mlp.activation = Activation::gelu;
  layer.attention.form = AttentionLayer::Form::mpt;
  layer.attention.rotary = AttentionLayer::Rotary::none;
  layer.attention.clipped = own.number({"clip_qkv"}, 0, 0, 1e9) != 0;
  layer.dropout = layer.attention.dropout = own.number({"attn_pdrop"}, 0, 0, 1);
  Decoder m = plain_decoder(c, {.vocabulary = 50368, .hidden = 2048, .width = 8192, .layers = 24, .heads = 16, .tied = true}, layer);
  m.max_positions = c.count({"max_seq_len"}, 2048, 1, most_tokens);
  for (DecoderLayer& l : m.layers) l.mlp.width = 4 * m.hidden, l.attention.position_rows = m.max_positions;
  m.final_norm = NormKind::layer_unbiased;
  m.linear_biases = m.eager_only = true;
  return m;
}

/// Layers that look back over a window read a mask of their own, and keep all keys.
/// Source: [transformers] models/gpt_neo/modeling_gpt_neo.py
Decoder gpt_neo(Fields& c) {
  DecoderLayer layer = layer_norm_layer();
  layer.order = DecoderLayer::Order::kept_attention;
  layer.mlp.activation = read_activation(c, {"activation_function"}, "gelu_new");
  layer.attention.form = AttentionLayer::Form::gpt_neo;
  layer.attention.rotary = AttentionLayer::Rotary::none;
  layer.attention.input_bias = false;
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  layer.mlp.dropout = layer.attention.output_dropout = c.number({"resid_dropout"}, 0, 0, 1);
  const double hidden = c.count({"hidden_size"}, 2048, 1, most_width);
  Decoder m = plain_decoder(c, {.vocabulary = 50257, .hidden = 2048, .width = 4 * hidden, .layers = 24, .heads = 16, .tied = true}, layer);
  for (DecoderLayer& l : m.layers) l.attention.position_rows = m.max_positions;
  m.learned_positions = m.max_positions;
  m.embedding_dropout = c.number({"embed_dropout"}, 0, 0, 1);
  m.final_norm = NormKind::layer;
  m.eager_only = true;
  return m;
}

/// GPT-J's fields; attention is code of its own.
/// Source: [transformers] models/codegen/modeling_codegen.py
Decoder codegen(Fields& c) {
  Decoder m = gptj(c);
  for (DecoderLayer& l : m.layers) l.attention.form = AttentionLayer::Form::codegen;
  return m;
}

/// Source: [transformers] models/xglm/modeling_xglm.py: the position table has two extra rows
Decoder xglm(Fields& c) {
  DecoderLayer layer = layer_norm_layer();
  layer.mlp.activation = read_activation(c, {"activation_function"}, "gelu");
  layer.mlp.inner_dropout = c.number({"activation_dropout"}, 0, 0, 1);
  layer.attention.form = AttentionLayer::Form::xglm;
  layer.attention.rotary = AttentionLayer::Rotary::none;
  layer.attention.dropout = c.number({"attention_dropout"}, 0.1, 0, 1);
  layer.dropout = c.number({"dropout"}, 0.1, 0, 1);
  Decoder m = plain_decoder(c, {.vocabulary = 256008, .hidden = 1024, .width = 4096, .layers = 24, .heads = 16, .tied = true}, layer);
  m.fixed_positions = m.max_positions + 2;
  m.embedding_dropout = layer.dropout;
  m.embedding_multiplied = m.eager_only = true;
  m.final_norm = NormKind::layer;
  return m;
}

}  // namespace gpumem
