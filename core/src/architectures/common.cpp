#include "architectures/common.hpp"

#include <algorithm>
#include <cmath>

#include "machine/parts.hpp"

namespace gpumem {

Decoder plain_decoder(Fields& c, const DecoderDefaults& d, DecoderLayer layer) {
  Decoder m;
  m.vocabulary = c.count({"vocab_size"}, d.vocabulary, 1, most_vocabulary);
  m.hidden = c.count({"hidden_size", "n_embd", "d_model"}, d.hidden, 1, most_width);
  m.max_positions = c.count({"max_position_embeddings", "n_positions"}, d.positions, 1, most_tokens);
  m.tied = c.flag({"tie_word_embeddings"}, d.tied);
  if (!whole_engine || d.width > 0) layer.mlp.width = c.count({"intermediate_size", "ffn_dim", "n_inner"}, d.width, 1, most_width);
  AttentionLayer& a = layer.attention;
  a.heads = c.count({"num_attention_heads", "n_head", "n_heads", "num_heads", "attention_heads"}, d.heads, 1, most_heads);
  a.kv_heads = c.count({"num_key_value_heads"}, d.kv_heads > 0 ? d.kv_heads : a.heads, 1, most_heads);
  const double even = std::floor(m.hidden / a.heads);
  a.head_dim = c.count({"head_dim"}, d.head_dim > 0 ? d.head_dim : std::max(even, 1.0), 1, most_width);
  a.rotary_dim = a.head_dim;
  if (!c.has("head_dim") && d.head_dim == 0 && even * a.heads != m.hidden)
    c.report("num_attention_heads", "not-divisible", "must divide hidden_size, since head_dim is not given");
  if (std::fmod(a.heads, a.kv_heads) != 0)
    c.report("num_key_value_heads", "not-divisible", "must divide num_attention_heads");
  const double layers = c.count({"num_hidden_layers", "n_layer", "num_layers", "n_layers"}, d.layers, 1, most_layers);
  m.layers.assign(static_cast<std::size_t>(layers), layer);
  return m;
}

Decoder rms_decoder(Fields& c, const DecoderDefaults& defaults, const DecoderLayer& layer) {
  Decoder m = plain_decoder(c, defaults, layer);
  m.final_norm = NormKind::rms;
  return m;
}

DecoderLayer gated_layer(Fields& c, bool bias_absent) {
  DecoderLayer layer;
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "silu");
  layer.mlp.bias = c.flag({"mlp_bias"}, false);
  layer.attention.input_bias = layer.attention.output_bias = c.flag({"attention_bias"}, bias_absent);
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  return layer;
}

DecoderLayer layer_norm_layer() {
  DecoderLayer layer;
  layer.norm = NormKind::layer;
  layer.mlp.kind = MlpLayer::Kind::plain;
  layer.mlp.bias = true;
  layer.attention.input_bias = layer.attention.output_bias = true;
  return layer;
}

bool every_layer(int, double) { return true; }
bool all_but_every(int layer, double pattern) { return std::fmod(layer + 1, pattern) != 0; }

double read_window(Fields& c, double absent) {
  const Document* given = c.source() ? c.source()->find("sliding_window") : nullptr;
  if (given && given->is(Document::Kind::null)) {
    c.value({"sliding_window"});
    return 0;
  }
  return c.count({"sliding_window"}, absent, 0, most_tokens);
}

void rotate_leading_part(Decoder& m, double share) {
  for (DecoderLayer& l : m.layers) l.attention.rotary_dim = std::floor(l.attention.head_dim * share);
}

/// Source: [transformers] activations.py ACT2CLS
Activation read_activation(Fields& c, Names names, std::string_view absent) {
  const std::string name = c.text(names, absent);
  if (name == "silu" || name == "swish") return Activation::silu;
  if (name == "gelu" || name == "gelu_pytorch_tanh") return Activation::gelu;
  if (name == "gelu_new" || name == "gelu_accurate") return Activation::gelu_composed;
  if (name == "gelu_fast") return Activation::gelu_fast;
  if (name == "quick_gelu") return Activation::gelu_quick;
  if (name == "relu") return Activation::relu;
  if (name == "relu2") return Activation::relu_squared;
  c.report(*names.begin(), "unknown-word",
           text_of({"must be one of: silu, gelu, gelu_pytorch_tanh, gelu_new, gelu_fast, quick_gelu, relu, relu2; not ", quoted(name)}));
  return Activation::silu;
}

void set_windows(Fields& c, Decoder& m, double window, bool (*is_windowed)(int, double), double rule) {
  const Document* types = c.value({"layer_types"});
  const bool listed = types && types->is(Document::Kind::list);
  if (listed && types->items().size() != m.layers.size()) {
    c.report("layer_types", "wrong-length", text_of({"must name a type for each of the ", number_text(static_cast<double>(m.layers.size())), " layers"}));
    return;
  }
  for (std::size_t i = 0; i < m.layers.size(); ++i) {
    const bool windowed = listed ? types->items()[i].text() == "sliding_attention" : is_windowed(static_cast<int>(i), rule);
    m.layers[i].attention.window = windowed ? window : 0;
  }
}

double rotary_share(Fields& c, double absent) {
  const double share = c.number({"partial_rotary_factor", "rotary_pct"}, absent, 0, 1);
  for (const std::string_view name : {"rope_parameters", "rope_scaling"}) {
    const Document* record = c.value({name});
    if (const Document* inner = record ? record->find("partial_rotary_factor") : nullptr)
      if (inner->is(Document::Kind::number) && inner->number() > 0 && inner->number() <= 1) return inner->number();
  }
  return share;
}

}  // namespace gpumem
