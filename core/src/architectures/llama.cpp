// Llama and the families that are Llama with another default or two.

#include "architectures/common.hpp"

namespace gpumem {
namespace {

bool from_layer(int layer, double first) { return layer >= first; }

}  // namespace

/// Source: [transformers] models/qwen2/configuration_qwen2.py: layers from max_window_layers on have the window
void qwen_windows(Fields& c, Decoder& m) {
  const bool used = c.flag({"use_sliding_window"}, false);
  const double first = c.count({"max_window_layers"}, 28, 0, most_layers);
  const double window = read_window(c, 4096);
  set_windows(c, m, used ? window : 0, from_layer, first);
}

/// Source: [transformers] models/llama/configuration_llama.py
Decoder llama(Fields& c) {
  Decoder m = plain_decoder(c, {.vocabulary = 32000, .hidden = 4096, .width = 11008, .layers = 32, .heads = 32},
                            gated_layer(c));
  m.final_norm = NormKind::rms;
  return m;
}

/// Source: [transformers] models/mistral/configuration_mistral.py
Decoder mistral(Fields& c) {
  DecoderLayer layer;
  layer.attention.repeated_for_flash = true;
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "silu");
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  Decoder m = plain_decoder(c, {.vocabulary = 32000, .hidden = 4096, .width = 14336, .layers = 32, .heads = 32,
                                .kv_heads = 8, .positions = 131072}, layer);
  m.final_norm = NormKind::rms;
  set_windows(c, m, read_window(c, 4096), every_layer, 0);
  return m;
}

/// Source: [transformers] models/qwen2/modeling_qwen2.py: biases on queries, keys and values only
Decoder qwen2(Fields& c) {
  DecoderLayer layer;
  layer.attention.repeated_for_flash = true;
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "silu");
  layer.attention.input_bias = true;
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  Decoder m = plain_decoder(c, {.vocabulary = 151936, .hidden = 4096, .width = 22016, .layers = 32, .heads = 32,
                                .positions = 32768}, layer);
  m.final_norm = NormKind::rms;
  qwen_windows(c, m);
  return m;
}

/// Source: [transformers] models/qwen3/modeling_qwen3.py: queries and keys are normalised over one head
Decoder qwen3(Fields& c) {
  DecoderLayer layer;
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "silu");
  layer.attention.input_bias = layer.attention.output_bias = c.flag({"attention_bias"}, false);
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  layer.attention.qk_norm = NormKind::rms;
  layer.attention.qk_norm_place = AttentionLayer::QkNorm::at_once;
  Decoder m = plain_decoder(c, {.vocabulary = 151936, .hidden = 4096, .width = 22016, .layers = 32, .heads = 32,
                                .kv_heads = 0, .head_dim = 128, .positions = 32768}, layer);
  m.final_norm = NormKind::rms;
  qwen_windows(c, m);
  return m;
}

/// Source: [transformers] models/phi3/modeling_phi3.py: joint projections, part of a head rotated
Decoder phi3(Fields& c) {
  DecoderLayer layer;
  layer.attention.repeated_for_flash = true;
  layer.mlp.kind = MlpLayer::Kind::gated_fused;
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "silu");
  layer.dropout = c.number({"resid_pdrop"}, 0, 0, 1);
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  layer.attention.projection = AttentionLayer::Projection::sliced;
  layer.attention.rotary = AttentionLayer::Rotary::glued_one_by_one;
  Decoder m = plain_decoder(c, {.vocabulary = 32064, .hidden = 3072, .width = 8192, .layers = 32, .heads = 32,
                                .positions = 4096}, layer);
  m.final_norm = NormKind::rms;
  rotate_leading_part(m, rotary_share(c, 1));
  set_windows(c, m, read_window(c, 0), every_layer, 0);
  return m;
}

}  // namespace gpumem
