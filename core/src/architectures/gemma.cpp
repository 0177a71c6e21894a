// The Gemma families: scaled embeddings, norms with 1 + weight, windows in some layers, soft caps.

#include <cmath>

#include "architectures/common.hpp"

namespace gpumem {
namespace {

DecoderLayer gemma_layer(Fields& c, Names activation) {
  DecoderLayer layer;
  layer.norm = NormKind::rms_plus_one;
  layer.mlp.activation = read_activation(c, activation, "gelu_pytorch_tanh");
  layer.attention.input_bias = layer.attention.output_bias = c.flag({"attention_bias"}, false);
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  return layer;
}

void finish(Decoder& m) {
  m.embedding_scaled = true;
  m.final_norm = NormKind::rms_plus_one;
}

bool given_and_not_null(Fields& c, std::string_view name, bool absent) {
  const Document* field = c.source() ? c.source()->find(name) : nullptr;
  c.value({name});
  return field ? !field->is(Document::Kind::null) : absent;
}

}  // namespace

/// Source: [transformers] models/gemma/configuration_gemma.py
Decoder gemma(Fields& c) {
  // Old files name an exact GELU in hidden_act; the model has always used the tanh form. Both are one kernel.
  Decoder m = plain_decoder(c, {.vocabulary = 256000, .hidden = 3072, .width = 24576, .layers = 28, .heads = 16,
                                .kv_heads = 16, .head_dim = 256, .positions = 8192, .tied = true},
                            gemma_layer(c, {"hidden_activation", "hidden_act"}));
  finish(m);
  return m;
}

/// Source: [transformers] models/gemma2/configuration_gemma2.py: every second layer has the window
Decoder gemma2(Fields& c) {
  DecoderLayer layer = gemma_layer(c, {"hidden_activation", "hidden_act"});
  layer.order = DecoderLayer::Order::sandwich;
  layer.attention.softcap = given_and_not_null(c, "attn_logit_softcapping", true);
  Decoder m = plain_decoder(c, {.vocabulary = 256000, .hidden = 2304, .width = 9216, .layers = 26, .heads = 8,
                                .kv_heads = 4, .head_dim = 256, .positions = 8192, .tied = true}, layer);
  finish(m);
  m.final_softcap = given_and_not_null(c, "final_logit_softcapping", true);
  set_windows(c, m, c.count({"sliding_window"}, 4096, 1, most_tokens), all_but_every, 2);
  return m;
}

/// Source: [transformers] models/gemma3/configuration_gemma3.py: one layer in `sliding_window_pattern` sees everything
Decoder gemma3_text(Fields& c) {
  DecoderLayer layer = gemma_layer(c, {"hidden_activation", "hidden_act"});
  layer.order = DecoderLayer::Order::sandwich;
  layer.attention.qk_norm = NormKind::rms_plus_one;
  layer.attention.softcap = given_and_not_null(c, "attn_logit_softcapping", false);
  Decoder m = plain_decoder(c, {.vocabulary = 262208, .hidden = 2304, .width = 9216, .layers = 26, .heads = 8,
                                .kv_heads = 4, .head_dim = 256, .positions = 131072, .tied = true}, layer);
  finish(m);
  m.final_softcap = given_and_not_null(c, "final_logit_softcapping", false);
  m.rotary_by_window = true;
  const double pattern = c.count({"sliding_window_pattern", "_sliding_window_pattern"}, 6, 1, most_layers);
  set_windows(c, m, c.count({"sliding_window"}, 4096, 1, most_tokens), all_but_every, pattern);
  return m;
}

/// The text model of a model that also takes images, with the weights of the image tower beside it.
/// Source: [transformers] models/gemma3/modeling_gemma3.py Gemma3ForConditionalGeneration, models/siglip/modeling_siglip.py
Decoder gemma3(Fields& c) {
  Fields text = c.record("text_config");
  Decoder m = gemma3_text(text);
  m.tied = c.flag({"tie_word_embeddings"}, m.tied);
  Fields vision = c.record("vision_config");
  const double width = vision.count({"hidden_size"}, 768, 1, most_width);
  const double feed = vision.count({"intermediate_size"}, 3072, 1, most_width);
  const double layers = vision.count({"num_hidden_layers"}, 12, 1, most_layers);
  const double patch = vision.count({"patch_size"}, 16, 1, 1024);
  const double side = vision.count({"image_size"}, 224, patch, 1 << 16);
  const double patches = std::floor(side / patch) * std::floor(side / patch);
  m.beside = {{"vision.patch_embedding.weight", {width, 3, patch, patch}, 1}, {"vision.patch_embedding.bias", {width}, 1},
              {"vision.position_embedding.weight", {patches, width}, 1},
              {"vision.layers.attention.weight", {width, width}, 4 * layers}, {"vision.layers.attention.bias", {width}, 4 * layers},
              {"vision.layers.fc1.weight", {feed, width}, layers}, {"vision.layers.fc1.bias", {feed}, layers},
              {"vision.layers.fc2.weight", {width, feed}, layers}, {"vision.layers.fc2.bias", {width}, layers},
              {"vision.layers.norm", {width}, 4 * layers}, {"vision.post_layernorm", {width}, 2},
              {"projector.weight", {width, m.hidden}, 1}, {"projector.norm", {width}, 1}};
  return m;
}

}  // namespace gpumem
