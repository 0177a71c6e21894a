// Decoders with LayerNorm and a feed-forward part without a gate.

#include "architectures/common.hpp"

namespace gpumem {
/// Source: [transformers] models/gpt2/modeling_gpt2.py
Decoder gpt2(Fields& c) {
  DecoderLayer layer = layer_norm_layer();
  layer.order = DecoderLayer::Order::kept_attention;
  layer.mlp.activation = read_activation(c, {"activation_function"}, "gelu_new");
  layer.mlp.transposed = layer.attention.transposed = true;
  layer.attention.projection = AttentionLayer::Projection::split;
  layer.attention.rotary = AttentionLayer::Rotary::none;
  layer.attention.softmax_in_fp32 = false;
  layer.attention.dropout = c.number({"attn_pdrop"}, 0.1, 0, 1);
  layer.dropout = c.number({"resid_pdrop"}, 0.1, 0, 1);
  const double hidden = c.count({"n_embd", "hidden_size"}, 768, 1, most_width);
  Decoder m = plain_decoder(c, {.vocabulary = 50257, .hidden = 768, .width = 4 * hidden, .layers = 12, .heads = 12,
                                .positions = 1024, .tied = true}, layer);
  m.final_norm = NormKind::layer;
  m.loss_once_narrow = true;
  m.learned_positions = m.max_positions;
  m.embedding_dropout = c.number({"embd_pdrop"}, 0.1, 0, 1);
  return m;
}

/// One key for all queries; GPT-2's layer without its transposed weights.
/// Source: [transformers] models/gpt_bigcode/modeling_gpt_bigcode.py
Decoder gpt_bigcode(Fields& c) {
  DecoderLayer layer = layer_norm_layer();
  layer.order = DecoderLayer::Order::kept_attention;
  layer.mlp.activation = read_activation(c, {"activation_function"}, "gelu_pytorch_tanh");
  layer.attention.projection = AttentionLayer::Projection::split;
  layer.attention.rotary = AttentionLayer::Rotary::none;
  layer.attention.dropout = c.number({"attn_pdrop"}, 0.1, 0, 1);
  layer.mlp.dropout = layer.attention.output_dropout = c.number({"resid_pdrop"}, 0.1, 0, 1);
  const double hidden = c.count({"n_embd", "hidden_size"}, 768, 1, most_width);
  const bool one_key = c.flag({"multi_query"}, true);
  Decoder m = plain_decoder(c, {.vocabulary = 50257, .hidden = 768, .width = 4 * hidden, .layers = 12, .heads = 12,
                                .positions = 1024, .tied = true}, layer);
  for (DecoderLayer& l : m.layers) l.attention.kv_heads = one_key ? 1 : l.attention.heads;   // whatever num_key_value_heads says
  m.final_norm = NormKind::layer;
  m.loss_once_narrow = true;
  m.presents_once_kept = c.flag({"use_cache"}, true);
  m.learned_positions = m.mask_buffer = m.max_positions;
  m.embedding_dropout = c.number({"embd_pdrop"}, 0.1, 0, 1);
  return m;
}

/// Source: [transformers] models/gpt_neox/modeling_gpt_neox.py
Decoder gpt_neox(Fields& c) {
  DecoderLayer layer = layer_norm_layer();
  layer.order = c.flag({"use_parallel_residual"}, true) ? DecoderLayer::Order::parallel : DecoderLayer::Order::sequential;
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "gelu");
  layer.attention.input_bias = layer.attention.output_bias = c.flag({"attention_bias"}, true);
  layer.attention.projection = AttentionLayer::Projection::split;
  layer.attention.rotary = AttentionLayer::Rotary::leading_then_glued;
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  layer.dropout = c.number({"hidden_dropout"}, 0, 0, 1);
  Decoder m = plain_decoder(c, {.vocabulary = 50432, .hidden = 6144, .width = 24576, .layers = 44, .heads = 64}, layer);
  m.final_norm = NormKind::layer;
  m.loss_once_narrow = true;
  m.embedding_dropout = layer.dropout;
  rotate_leading_part(m, rotary_share(c, 0.25));
  return m;
}

/// Source: [transformers] models/opt/modeling_opt.py: the position table has two extra rows
Decoder opt(Fields& c) {
  DecoderLayer layer = layer_norm_layer();
  const bool norm_first = c.flag({"do_layer_norm_before"}, true);
  layer.order = norm_first ? DecoderLayer::Order::sequential : DecoderLayer::Order::norm_last;
  layer.mlp.activation = read_activation(c, {"activation_function"}, "relu");
  layer.mlp.inlined = true;
  layer.mlp.bias = layer.attention.input_bias = layer.attention.output_bias = c.flag({"enable_bias"}, true);
  layer.attention.rotary = AttentionLayer::Rotary::none;
  layer.attention.scaled_query = true;
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  layer.dropout = c.number({"dropout"}, 0.1, 0, 1);
  Decoder m = plain_decoder(c, {.vocabulary = 50272, .hidden = 768, .width = 3072, .layers = 12, .heads = 12,
                                .tied = true}, layer);
  m.embedding_width = c.count({"word_embed_proj_dim"}, m.hidden, 1, most_width);
  m.learned_positions = m.max_positions + 2;
  m.positions_from_mask = m.loss_once_narrow = true;
  if (norm_first && !c.flag({"_remove_final_layer_norm"}, false)) m.final_norm = NormKind::layer;
  return m;
}

}  // namespace gpumem
