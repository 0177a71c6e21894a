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

/// Source: [transformers] models/siglip/modeling_siglip.py SiglipMultiheadAttentionPoolingHead
std::vector<IdleWeights> pooling_probe(double width, double feed) {
  return {{"vision.head.probe", {1, 1, width}, 1}, {"vision.head.attention.weight", {width, width}, 4}, {"vision.head.attention.bias", {width}, 4},
          {"vision.head.norm", {width}, 2}, {"vision.head.fc1.weight", {feed, width}, 1}, {"vision.head.fc1.bias", {feed}, 1},
          {"vision.head.fc2.weight", {width, feed}, 1}, {"vision.head.fc2.bias", {width}, 1}};
}

}  // namespace

DecoderLayer power_normed_layer(Fields& c) {
  DecoderLayer layer = gemma_layer(c, {"hidden_activation"});
  layer.norm = NormKind::rms_by_power;
  layer.attention.qk_norm = NormKind::rms_by_power;
  layer.attention.turned_in_rows = layer.attention.value_normed = true;
  return layer;
}

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
  m.tied = c.flag({"tie_word_embeddings"}, true);   // of the whole, whatever its text says
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
  if (vision.flag({"vision_use_head"}, true)) {   // a probe that pools; what it makes is not used
    for (const IdleWeights& w : pooling_probe(width, feed)) m.beside.push_back(w);
  }
  return m;
}

/// Layers that see everything have heads of their own size, and may take keys as values.
/// Source: [transformers] models/gemma4/configuration_gemma4.py, models/gemma4/modeling_gemma4.py
Decoder gemma4_text(Fields& c) {
  DecoderLayer layer = power_normed_layer(c);
  layer.order = DecoderLayer::Order::sandwich;
  layer.scaled_at_end = true;
  if (c.flag({"enable_moe_block"}, false)) {
    layer.order = DecoderLayer::Order::experts_and_mlp;
    ExpertsLayer& e = layer.experts.emplace();
    e.activation = layer.mlp.activation;
    e.experts = c.count({"num_experts"}, std::nullopt, 1, most_experts);
    e.top = c.count({"top_k_experts"}, std::nullopt, 1, e.experts);
    e.width = c.count({"moe_intermediate_size"}, std::nullopt, 1, most_width);
    e.normalised = ExpertsLayer::Normalised::in_place;
    e.weights_in_fp32 = e.normed_apart = true;
  }
  Decoder m = plain_decoder(c, {.vocabulary = 262144, .hidden = 2304, .width = 9216, .layers = 30, .heads = 8, .kv_heads = 4, .head_dim = 256,
                                .positions = 131072, .tied = true}, layer);
  m.embedding_scaled = true;
  m.final_norm = NormKind::rms_by_power;
  m.final_softcap = given_and_not_null(c, "final_logit_softcapping", false);
  m.rotary_by_window = true;
  set_windows(c, m, c.count({"sliding_window"}, 512, 1, most_tokens), all_but_every, 6);
  m.layers.back().attention.window = 0;   // whatever the list says
  const bool key_as_value = c.flag({"attention_k_eq_v"}, false);
  const double dim = c.count({"global_head_dim"}, 512, 1, most_width);
  const double own_heads = c.count({"num_global_key_value_heads"}, m.layers[0].attention.kv_heads, 1, most_heads);
  Fields each = c.record("per_layer_config");
  const bool listed = c.has("per_layer_config");
  for (std::size_t i = 0; i < m.layers.size(); ++i) {
    AttentionLayer& a = m.layers[i].attention;
    if (listed) {   // as the class writes it down once it has been read: other fields say nothing more
      const std::string number = number_text(static_cast<double>(i));
      Fields own = each.record(number);
      a.head_dim = a.rotary_dim = own.count({"head_dim"}, a.head_dim, 1, most_width);
      a.kv_heads = own.count({"num_key_value_heads"}, a.kv_heads, 1, most_heads);
    }
    if (a.window > 0) continue;
    a.key_as_value = key_as_value;
    if (listed) continue;
    a.head_dim = a.rotary_dim = dim;
    if (key_as_value) a.kv_heads = own_heads;
  }
  lend_keys(c, m);
  give_inputs(c, m);
  if (c.flag({"use_double_wide_mlp"}, false))
    for (DecoderLayer& l : m.layers)
      if (l.attention.keys == AttentionLayer::Keys::borrowed) l.mlp.width *= 2;
  if (std::fmod(m.layers[0].attention.heads, own_heads) != 0) c.report("num_global_key_value_heads", "not-divisible", "must divide num_attention_heads");
  return m;
}

/// Source: [transformers] models/gemma4/modeling_gemma4.py Gemma4VisionModel, Gemma4MultimodalEmbedder
static void add_eye(Fields& c, Decoder& m) {
  Fields vision = c.record("vision_config");
  const double width = vision.count({"hidden_size"}, 768, 1, most_width), feed = vision.count({"intermediate_size"}, 3072, 1, most_width);
  const double layers = vision.count({"num_hidden_layers"}, 16, 1, most_layers), dim = vision.count({"head_dim"}, 64, 1, most_width);
  const double queries = dim * vision.count({"num_attention_heads"}, 12, 1, most_heads), keys = dim * vision.count({"num_key_value_heads"}, 12, 1, most_heads);
  const double patch = vision.count({"patch_size"}, 16, 1, 1024), places = vision.count({"position_embedding_size"}, 10240, 1, most_vocabulary);
  m.beside = {{"vision.position_embedding_table", {2, places, width}, 1}, {"vision.input_proj.weight", {width, 3 * patch * patch}, 1},
              {"vision.layers.q_proj.weight", {queries, width}, layers}, {"vision.layers.kv_proj.weight", {keys, width}, 2 * layers},
              {"vision.layers.o_proj.weight", {width, queries}, layers}, {"vision.layers.qk_norm", {dim}, 2 * layers},
              {"vision.layers.mlp.weight", {feed, width}, 3 * layers}, {"vision.layers.norm", {width}, 4 * layers},
              {"vision.projection.weight", {m.hidden, width}, 1}};
}

/// The text model of a model that also takes images, with the weights of its towers beside it, as far as it has them.
/// Source: [transformers] models/gemma4/modeling_gemma4.py Gemma4Model
Decoder gemma4(Fields& c) {
  Fields text = c.record("text_config");
  Decoder m = gemma4_text(text);
  m.tied = c.flag({"tie_word_embeddings"}, true);   // of the whole, whatever its text says
  if (c.has("vision_config")) add_eye(c, m);
  if (c.has("audio_config")) add_ear(c, m);
  return m;
}

}  // namespace gpumem
