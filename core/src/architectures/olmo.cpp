// OLMo and those that normalise behind the sub-layers as OLMo 2 does.

#include "architectures/common.hpp"

namespace gpumem {
namespace {

constexpr DecoderDefaults olmo_defaults = {.vocabulary = 50304, .hidden = 4096, .width = 11008, .layers = 32, .heads = 32};

DecoderLayer olmo2_layer(Fields& c) {
  DecoderLayer layer = gated_layer(c);
  layer.mlp.bias = false;
  layer.order = DecoderLayer::Order::norm_behind;
  layer.norm = NormKind::rms_wide;
  layer.attention.qk_norm = NormKind::rms_wide;
  layer.attention.qk_norm_place = AttentionLayer::QkNorm::whole;
  layer.attention.rotary_format = AttentionLayer::RotaryFormat::wide_tables;
  return layer;
}

}  // namespace

/// Source: [transformers] models/olmo/modeling_olmo.py
Decoder olmo(Fields& c) {
  DecoderLayer layer = gated_layer(c);
  layer.mlp.bias = false;
  layer.norm = NormKind::layer_bare;
  layer.attention.rotary_format = AttentionLayer::RotaryFormat::wide_tables;
  Decoder m = plain_decoder(c, olmo_defaults, layer);
  m.final_norm = NormKind::layer_bare;
  return m;
}

/// Source: [transformers] models/olmo2/modeling_olmo2.py
Decoder olmo2(Fields& c) {
  Decoder m = plain_decoder(c, olmo_defaults, olmo2_layer(c));
  m.final_norm = NormKind::rms_wide;
  return m;
}

/// Source: [transformers] models/olmo3/configuration_olmo3.py
Decoder olmo3(Fields& c) {
  Decoder m = olmo2(c);
  m.rotary_by_window = true;
  set_windows(c, m, read_window(c, 4096), all_but_every, 4);
  return m;
}

/// Source: [transformers] models/exaone4/modeling_exaone4.py: where there are windows, only layers with one rotate
Decoder exaone4(Fields& c) {
  DecoderLayer layer = gated_layer(c);
  layer.mlp.bias = layer.attention.input_bias = layer.attention.output_bias = false;
  layer.order = DecoderLayer::Order::norm_behind;
  layer.attention.qk_norm = NormKind::rms;
  Decoder m = plain_decoder(c, {.vocabulary = 102400, .hidden = 4096, .width = 16384, .layers = 32, .heads = 32}, layer);
  m.final_norm = NormKind::rms;
  const double window = read_window(c, 4096);
  const Document* pattern = c.value({"sliding_window_pattern"});
  const bool counted = pattern && pattern->is(Document::Kind::number) && pattern->number() >= 1;
  set_windows(c, m, window, all_but_every, counted ? pattern->number() : 4);
  for (DecoderLayer& l : m.layers)
    if (window > 0 && l.attention.window == 0) l.attention.rotary = AttentionLayer::Rotary::none;
  return m;
}

}  // namespace gpumem
