// GLM and others that rotate neighbouring columns, each layer with repeated tables of its own.

#include "architectures/common.hpp"

namespace gpumem {
namespace {

constexpr DecoderDefaults glm_defaults = {.vocabulary = 151552, .hidden = 4096, .width = 13696, .layers = 40, .heads = 32,
                                          .kv_heads = 2, .head_dim = 128, .positions = 131072};

Decoder glm_decoder(Fields& c, DecoderLayer::Order order) {
  DecoderLayer layer = gated_layer(c, true);
  layer.order = order;
  layer.mlp.kind = MlpLayer::Kind::gated_fused;
  layer.mlp.bias = layer.attention.output_bias = false;
  layer.attention.rotary = AttentionLayer::Rotary::leading_then_glued;
  layer.attention.rotary_repeated = true;
  Decoder m = plain_decoder(c, glm_defaults, layer);
  m.final_norm = NormKind::rms;
  rotate_leading_part(m, rotary_share(c, 0.5));
  return m;
}

}  // namespace

/// Source: [transformers] models/glm/modeling_glm.py
Decoder glm(Fields& c) { return glm_decoder(c, DecoderLayer::Order::sequential); }

/// Source: [transformers] models/glm4/modeling_glm4.py
Decoder glm4(Fields& c) { return glm_decoder(c, DecoderLayer::Order::sandwich); }

/// Source: [transformers] models/ernie4_5/modeling_ernie4_5.py
Decoder ernie4_5(Fields& c) {
  DecoderLayer layer = gated_layer(c);
  layer.mlp.bias = layer.attention.input_bias = layer.attention.output_bias = c.flag({"use_bias"}, false);
  layer.attention.rotary_format = AttentionLayer::RotaryFormat::wide_by_part;
  layer.attention.rotary_repeated = true;
  Decoder m = plain_decoder(c, {.vocabulary = 103424, .hidden = 1024, .width = 3072, .layers = 18, .heads = 16, .kv_heads = 2,
                                .head_dim = 128, .positions = 131072, .tied = true}, layer);
  m.final_norm = NormKind::rms;
  return m;
}

/// Source: [transformers] models/helium/modeling_helium.py
Decoder helium(Fields& c) {
  DecoderLayer layer = gated_layer(c);
  layer.attention.rotary_repeated = true;
  layer.attention.output_bias = false;
  layer.norm = NormKind::rms_wide;
  Decoder m = plain_decoder(c, {.vocabulary = 48000, .hidden = 2560, .width = 7040, .layers = 24, .heads = 20, .kv_heads = 20,
                                .head_dim = 128, .positions = 4096}, layer);
  m.final_norm = NormKind::rms_wide;
  return m;
}

}  // namespace gpumem
