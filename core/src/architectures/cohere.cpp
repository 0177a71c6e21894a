// Cohere's families: one norm for both sub-layers, composed in fp32; logits times a number.

#include "architectures/common.hpp"

namespace gpumem {
namespace {

constexpr DecoderDefaults defaults = {.vocabulary = 256000, .hidden = 8192, .width = 22528, .layers = 40, .heads = 64,
                                      .positions = 8192, .tied = true};

DecoderLayer cohere_layer(Fields& c) {
  DecoderLayer layer = gated_layer(c);
  layer.mlp.bias = false;
  layer.order = DecoderLayer::Order::one_norm;
  layer.norm = NormKind::layer_composed;
  layer.attention.rotary_format = AttentionLayer::RotaryFormat::wide;
  return layer;
}

Decoder finished(Decoder m) {
  m.final_norm = NormKind::layer_composed;
  m.logits_scaled = true;
  return m;
}

}  // namespace

/// Source: [transformers] models/cohere/modeling_cohere.py
Decoder cohere(Fields& c) {
  DecoderLayer layer = cohere_layer(c);
  if (c.flag({"use_qk_norm"}, false)) layer.attention.qk_norm = NormKind::layer_composed;
  return finished(plain_decoder(c, defaults, layer));
}

/// Source: [transformers] models/cohere2/modeling_cohere2.py: layers that see everything do not rotate
Decoder cohere2(Fields& c) {
  Decoder m = finished(plain_decoder(c, defaults, cohere_layer(c)));
  const double pattern = c.count({"sliding_window_pattern"}, 4, 1, most_layers);
  set_windows(c, m, read_window(c, 4096), all_but_every, pattern);
  for (DecoderLayer& l : m.layers)
    if (l.attention.window == 0) l.attention.rotary = AttentionLayer::Rotary::none;
  return m;
}

}  // namespace gpumem
