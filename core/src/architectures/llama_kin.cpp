// Llama with one thing changed: biases, scales, layers without rotation, a plain MLP.

#include "architectures/common.hpp"

namespace gpumem {
namespace {

/// Source: [transformers] models/granite/modeling_granite.py: embeddings, sub-layers and logits times a number
void scale_like_granite(Decoder& m) {
  m.embedding_multiplied = m.logits_scaled = true;
  for (DecoderLayer& l : m.layers) l.scaled = true;
}

/// `no_rope_layers` holds a one for each layer that rotates; absent, every `no_rope_layer_interval`-th does not.
void read_rotating_layers(Fields& c, Decoder& m) {
  const double interval = c.count({"no_rope_layer_interval"}, 4, 1, most_layers);
  const Document* given = c.value({"no_rope_layers"});
  const bool listed = given && given->is(Document::Kind::list) && given->items().size() == m.layers.size();
  for (std::size_t i = 0; i < m.layers.size(); ++i)
    if (listed ? given->items()[i].number() == 0 : !all_but_every(static_cast<int>(i), interval))
      m.layers[i].attention.rotary = AttentionLayer::Rotary::none;
}

}  // namespace

/// Source: [transformers] models/granite/configuration_granite.py
Decoder granite(Fields& c) {
  Decoder m = rms_decoder(c, {.vocabulary = 32000, .hidden = 4096, .width = 11008, .layers = 32, .heads = 32}, gated_layer(c));
  scale_like_granite(m);
  return m;
}

/// Source: [transformers] models/smollm3/modeling_smollm3.py
Decoder smollm3(Fields& c) {
  Decoder m = rms_decoder(c, {.vocabulary = 128256, .hidden = 2048, .width = 11008, .layers = 36, .heads = 16, .kv_heads = 4,
                              .positions = 32768, .tied = true}, gated_layer(c));
  read_rotating_layers(c, m);
  const bool windowed = c.flag({"use_sliding_window"}, false);
  const double window = read_window(c, 0);
  for (DecoderLayer& l : m.layers)
    if (windowed && l.attention.rotary == AttentionLayer::Rotary::none) l.attention.window = window;
  return m;
}

/// Source: [transformers] models/seed_oss/configuration_seed_oss.py
Decoder seed_oss(Fields& c) {
  DecoderLayer layer = gated_layer(c, true);
  layer.attention.dropout = c.number({"attention_dropout"}, 0.1, 0, 1);
  layer.attention.output_bias = c.flag({"attention_out_bias"}, false);
  layer.mlp.dropout = layer.attention.output_dropout = c.number({"residual_dropout"}, 0.1, 0, 1);
  return rms_decoder(c, {.vocabulary = 155136, .hidden = 4096, .width = 27648, .layers = 64, .heads = 80, .kv_heads = 8,
                         .head_dim = 128, .positions = 524288}, layer);
}

/// Source: [transformers] models/hunyuan_v1_dense/modeling_hunyuan_v1_dense.py: queries and keys normalised after rotation
Decoder hunyuan_dense(Fields& c) {
  DecoderLayer layer = gated_layer(c);
  layer.mlp.bias = false;
  layer.attention.qk_norm = NormKind::rms;
  layer.attention.qk_norm_place = AttentionLayer::QkNorm::after_rotary;
  return rms_decoder(c, {.vocabulary = 290943, .hidden = 4096, .width = 11008, .layers = 32, .heads = 32}, layer);
}

/// Source: [transformers] models/arcee/modeling_arcee.py: no gate, squared ReLU
Decoder arcee(Fields& c) {
  DecoderLayer layer = gated_layer(c);
  layer.mlp.kind = MlpLayer::Kind::plain;
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "relu2");
  return rms_decoder(c, {.vocabulary = 32000, .hidden = 2560, .width = 18432, .layers = 32, .heads = 32, .positions = 4096}, layer);
}

/// Source: [transformers] models/internlm3/configuration_internlm3.py: `qkv_bias` and `bias` are its names for Llama's
Decoder internlm3(Fields& c) {
  DecoderLayer layer = gated_layer(c);
  layer.attention.input_bias = c.flag({"qkv_bias", "attention_bias"}, false);
  layer.attention.output_bias = layer.mlp.bias = c.flag({"bias", "mlp_bias"}, false);
  return rms_decoder(c, {.vocabulary = 128512, .hidden = 4096, .width = 10240, .layers = 48, .heads = 32, .kv_heads = 2,
                         .head_dim = 128, .positions = 32768}, layer);
}

/// Source: [transformers] models/ministral/configuration_ministral.py
Decoder ministral(Fields& c) {
  Decoder m = rms_decoder(c, {.vocabulary = 32000, .hidden = 4096, .width = 14336, .layers = 32, .heads = 32, .kv_heads = 8,
                              .positions = 131072}, gated_layer(c));
  set_windows(c, m, read_window(c, 4096), every_layer, 0);
  return m;
}

}  // namespace gpumem
