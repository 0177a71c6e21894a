// Decoders with LayerNorm and rotary positions.

#include "architectures/common.hpp"

namespace gpumem {

/// Source: [transformers] models/starcoder2/modeling_starcoder2.py
Decoder starcoder2(Fields& c) {
  DecoderLayer layer = layer_norm_layer();
  layer.attention.repeated_for_flash = true;
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "gelu_pytorch_tanh");
  layer.mlp.bias = layer.attention.input_bias = layer.attention.output_bias = c.flag({"use_bias"}, true);
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  layer.mlp.dropout = layer.attention.output_dropout = c.number({"residual_dropout"}, 0, 0, 1);
  Decoder m = plain_decoder(c, {.vocabulary = 49152, .hidden = 3072, .width = 12288, .layers = 30, .heads = 24, .kv_heads = 2,
                                .positions = 4096, .tied = true}, layer);
  m.final_norm = NormKind::layer;
  m.embedding_dropout = c.number({"embedding_dropout"}, 0, 0, 1);
  set_windows(c, m, read_window(c, 0), every_layer, 0);
  return m;
}

/// Source: [transformers] models/stablelm/modeling_stablelm.py
Decoder stablelm(Fields& c) {
  DecoderLayer layer = gated_layer(c);
  layer.norm = NormKind::layer;
  layer.mlp.bias = false;
  layer.order = c.flag({"use_parallel_residual"}, false) ? DecoderLayer::Order::one_norm : DecoderLayer::Order::kept_all;
  layer.attention.input_bias = c.flag({"use_qkv_bias"}, false);
  layer.attention.output_bias = false;
  layer.attention.rotary = AttentionLayer::Rotary::leading_then_glued;
  layer.dropout = c.number({"hidden_dropout"}, 0, 0, 1);
  if (c.flag({"qk_layernorm"}, false)) layer.attention.qk_norm = NormKind::layer_by_head;
  Decoder m = plain_decoder(c, {.vocabulary = 50304, .hidden = 2560, .width = 6912, .layers = 32, .heads = 32, .kv_heads = 32,
                                .positions = 4096}, layer);
  m.final_norm = NormKind::layer;
  rotate_leading_part(m, rotary_share(c, 0.25));
  return m;
}

/// Source: [transformers] models/phi/modeling_phi.py
Decoder phi(Fields& c) {
  DecoderLayer layer = layer_norm_layer();
  layer.order = DecoderLayer::Order::one_norm;
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "gelu_new");
  layer.attention.rotary = AttentionLayer::Rotary::leading_then_glued;
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  if (c.flag({"qk_layernorm"}, false)) layer.attention.qk_norm = NormKind::layer;
  layer.dropout = c.number({"resid_pdrop"}, 0, 0, 1);
  Decoder m = plain_decoder(c, {.vocabulary = 51200, .hidden = 2048, .width = 8192, .layers = 24, .heads = 32}, layer);
  m.final_norm = NormKind::layer;
  m.head_bias = true;
  m.embedding_dropout = c.number({"embd_pdrop"}, 0, 0, 1);
  rotate_leading_part(m, rotary_share(c, 0.5));
  return m;
}

/// Source: [transformers] models/nemotron/modeling_nemotron.py
Decoder nemotron(Fields& c) {
  DecoderLayer layer = gated_layer(c);
  layer.norm = NormKind::layer_plus_one;
  layer.mlp.kind = MlpLayer::Kind::plain;
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "relu2");
  layer.attention.rotary = AttentionLayer::Rotary::leading_then_glued;
  Decoder m = plain_decoder(c, {.vocabulary = 256000, .hidden = 6144, .width = 24576, .layers = 32, .heads = 48,
                                .positions = 4096}, layer);
  m.final_norm = NormKind::layer_plus_one;
  rotate_leading_part(m, rotary_share(c, 0.5));
  return m;
}

/// Source: [transformers] models/persimmon/modeling_persimmon.py
Decoder persimmon(Fields& c) {
  DecoderLayer layer = layer_norm_layer();
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "relu2");
  layer.mlp.dropout = c.number({"hidden_dropout"}, 0, 0, 1);
  layer.attention.projection = AttentionLayer::Projection::sliced;
  layer.attention.rotary = AttentionLayer::Rotary::leading_then_glued;
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  if (c.flag({"qk_layernorm"}, true)) layer.attention.qk_norm = NormKind::layer;
  Decoder m = plain_decoder(c, {.vocabulary = 262144, .hidden = 4096, .width = 16384, .layers = 36, .heads = 64,
                                .positions = 16384}, layer);
  m.final_norm = NormKind::layer;
  rotate_leading_part(m, rotary_share(c, 0.5));
  return m;
}

}  // namespace gpumem
