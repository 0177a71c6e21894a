// Decoders in which layers with the gated delta rule and layers with gated attention follow each other.

#include <cmath>

#include "architectures/mixers.hpp"

namespace gpumem {
namespace {

/// The last of so many layers attends. Source: [transformers] models/qwen3_next/configuration_qwen3_next.py
bool by_interval(Fields& c, std::size_t i) {
  return std::fmod(static_cast<double>(i + 1), c.count({"full_attention_interval"}, 4, 1, most_layers)) == 0;
}

MixerLayer read_gated_delta(Fields& c) {
  MixerLayer l;
  l.kind = MixerLayer::Kind::gated_delta;
  l.heads = c.count({"linear_num_value_heads"}, 32, 1, most_heads);
  l.groups = c.count({"linear_num_key_heads"}, 16, 1, most_heads);
  l.state = c.count({"linear_key_head_dim"}, 128, 1, most_width);
  l.width = l.heads * c.count({"linear_value_head_dim"}, 128, 1, most_width);
  l.conv = c.count({"linear_conv_kernel_dim"}, 4, 1, most_width);
  l.chunk = 64;   // a default of the function that scans; no field of the configuration changes it
  if (std::fmod(l.heads, l.groups) != 0) c.report("linear_num_value_heads", "not-divisible", "must be a multiple of linear_num_key_heads");
  return l;
}

}  // namespace

/// Source: [transformers] models/qwen3_next/modeling_qwen3_next.py
Decoder qwen3_next(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.norm = NormKind::rms_plus_one;
  layer.mlp.bias = false;
  layer.attention.gated = true;
  layer.attention.qk_norm = NormKind::rms_plus_one;
  layer.attention.qk_norm_place = AttentionLayer::QkNorm::at_once;
  layer.attention.rotary = AttentionLayer::Rotary::leading_then_glued;
  ExpertsLayer& e = *layer.experts;
  if (c.count({"num_experts"}, 512, 0, most_experts) > 0) read_experts(c, e, {512, 10, 512, {"moe_intermediate_size"}});
  e.normalised = c.flag({"norm_topk_prob"}, true) ? ExpertsLayer::Normalised::in_place : ExpertsLayer::Normalised::no;
  e.shared_width = c.count({"shared_expert_intermediate_size"}, 512, 1, most_width);
  e.shared_first = e.shared_gated = true;
  if (e.experts == 0) layer.experts.reset();
  Decoder m = plain_decoder(c, {.vocabulary = 151936, .hidden = 2048, .width = 5632, .layers = 48, .heads = 16, .kv_heads = 2,
                                .head_dim = 256, .positions = 32768}, layer);
  m.final_norm = NormKind::rms_plus_one;
  rotate_leading_part(m, rotary_share(c, 0.25));
  sparse_by_step(c, m);
  mix_instead(m, read_gated_delta(c), attending_layers(c, {"layer_types"}, m.layers.size(), by_interval));
  return m;
}

}  // namespace gpumem
