// Decoders in which layers with a linear attention and layers with attention follow each other.

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

/// Attention whose output has a gate, its queries and keys normalised and turned in part.
void gate_attention(DecoderLayer& layer) {
  layer.norm = NormKind::rms_plus_one;
  layer.mlp.bias = false;
  layer.attention.gated = layer.attention.own_output = true;
  layer.attention.qk_norm = NormKind::rms_plus_one;
  layer.attention.qk_norm_place = AttentionLayer::QkNorm::at_once;
  layer.attention.rotary = AttentionLayer::Rotary::leading_then_glued;
}

Decoder with_delta_rule(Fields& c, Decoder m, const MixerLayer& mixer) {
  m.final_norm = NormKind::rms_plus_one;
  rotate_leading_part(m, rotary_share(c, 0.25));
  mix_instead(m, mixer, attending_layers(c, {"layer_types"}, m.layers.size(), by_interval));
  return m;
}

/// Qwen3.5: projections of the delta rule are apart, and positions are points of a grid of time, height and width.
Decoder without_grouping(Fields& c, const DecoderDefaults& defaults, DecoderLayer layer) {
  gate_attention(layer);
  layer.attention.positions_on_grid = true;
  MixerLayer mixer = read_gated_delta(c);
  mixer.parts_apart = true;
  return with_delta_rule(c, plain_decoder(c, defaults, layer), mixer);
}

}  // namespace

/// Source: [transformers] models/qwen3_next/modeling_qwen3_next.py
Decoder qwen3_next(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  gate_attention(layer);
  ExpertsLayer& e = *layer.experts;
  if (c.count({"num_experts"}, 512, 0, most_experts) > 0) read_experts(c, e, {512, 10, 512, {"moe_intermediate_size"}});
  e.normalised = c.flag({"norm_topk_prob"}, true) ? ExpertsLayer::Normalised::in_place : ExpertsLayer::Normalised::no;
  e.shared_width = c.count({"shared_expert_intermediate_size"}, 512, 1, most_width);
  e.shared_first = e.shared_gated = true;
  if (e.experts == 0) layer.experts.reset();
  Decoder m = plain_decoder(c, {.vocabulary = 151936, .hidden = 2048, .width = 5632, .layers = 48, .heads = 16, .kv_heads = 2,
                                .head_dim = 256, .positions = 32768}, layer);
  sparse_by_step(c, m);
  return with_delta_rule(c, std::move(m), read_gated_delta(c));
}

/// Source: [transformers] models/qwen3_5/modeling_qwen3_5.py
Decoder qwen3_5(Fields& c) {
  return without_grouping(c, {.vocabulary = 248320, .hidden = 4096, .width = 12288, .layers = 32, .heads = 16, .kv_heads = 4, .head_dim = 256,
                              .positions = 32768}, gated_layer(c));
}

/// Source: [transformers] models/qwen3_5_moe/modeling_qwen3_5_moe.py
Decoder qwen3_5_moe(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  ExpertsLayer& e = *layer.experts;
  read_experts(c, e, {256, 8, 512, {"moe_intermediate_size"}});
  e.normalised = ExpertsLayer::Normalised::in_place;
  e.shared_width = c.count({"shared_expert_intermediate_size"}, 512, 1, most_width);
  e.shared_first = e.shared_gated = true;
  return without_grouping(c, {.vocabulary = 248320, .hidden = 2048, .width = 512, .layers = 40, .heads = 16, .kv_heads = 2, .head_dim = 256,
                              .positions = 32768}, layer);
}

/// The text model of one that also takes images, with the weights of its tower beside it.
/// Source: [transformers] models/qwen3_5/modeling_qwen3_5.py Qwen3_5VisionModel, models/qwen3_5/configuration_qwen3_5.py
static Decoder with_tower(Fields& c, Decoder (*read)(Fields&)) {
  Fields text = c.record("text_config");
  Decoder m = read(text);
  m.tied = c.flag({"tie_word_embeddings"}, m.tied);
  Fields vision = c.record("vision_config");
  const double width = vision.count({"hidden_size"}, 1152, 1, most_width), feed = vision.count({"intermediate_size"}, 4304, 1, most_width);
  const double layers = vision.count({"depth"}, 27, 1, most_layers), patch = vision.count({"patch_size"}, 16, 1, 1024);
  const double frames = vision.count({"temporal_patch_size"}, 2, 1, 64), channels = vision.count({"in_channels"}, 3, 1, 1024);
  const double merge = vision.count({"spatial_merge_size"}, 2, 1, 64), merged = width * merge * merge;
  const double rows = vision.count({"num_position_embeddings"}, 2304, 1, most_vocabulary), out = vision.count({"out_hidden_size"}, 3584, 1, most_width);
  m.beside = {{"visual.patch_embed.weight", {width, channels, frames, patch, patch}, 1}, {"visual.patch_embed.bias", {width}, 1},
              {"visual.pos_embed.weight", {rows, width}, 1},
              {"visual.blocks.qkv.weight", {3 * width, width}, layers}, {"visual.blocks.qkv.bias", {3 * width}, layers},
              {"visual.blocks.proj.weight", {width, width}, layers}, {"visual.blocks.proj.bias", {width}, layers},
              {"visual.blocks.fc1.weight", {feed, width}, layers}, {"visual.blocks.fc1.bias", {feed}, layers},
              {"visual.blocks.fc2.weight", {width, feed}, layers}, {"visual.blocks.fc2.bias", {width}, layers},
              {"visual.blocks.norm", {width}, 4 * layers}, {"visual.merger.norm", {width}, 2},
              {"visual.merger.fc1.weight", {merged, merged}, 1}, {"visual.merger.fc1.bias", {merged}, 1},
              {"visual.merger.fc2.weight", {out, merged}, 1}, {"visual.merger.fc2.bias", {out}, 1}};
  return m;
}

Decoder qwen3_5_with_tower(Fields& c) { return with_tower(c, qwen3_5); }
Decoder qwen3_5_moe_with_tower(Fields& c) { return with_tower(c, qwen3_5_moe); }

/// The first layer attends, and every second one from there.
static bool every_second(Fields&, std::size_t i) { return i % 2 == 0; }

/// Lightning attention in some layers; sums are of normalised inputs, multiplied by numbers.
/// Source: [transformers] models/minimax/modeling_minimax.py
Decoder minimax(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.order = DecoderLayer::Order::scaled_sums;
  layer.attention.input_bias = layer.attention.output_bias = false;
  layer.attention.own_output = true;
  ExpertsLayer& e = *layer.experts;
  read_experts(c, e, {8, 2, 14336, {"intermediate_size"}});
  e.normalised = ExpertsLayer::Normalised::in_place;
  e.weights_in_fp32 = true;
  Decoder m = rms_decoder(c, {.vocabulary = 32000, .hidden = 4096, .width = 14336, .layers = 32, .heads = 32, .kv_heads = 8, .positions = 131072}, layer);
  for (DecoderLayer& l : m.layers) l.attention.window = read_window(c, 0);
  MixerLayer mixer;
  mixer.kind = MixerLayer::Kind::lightning;
  mixer.heads = m.layers[0].attention.heads;
  mixer.state = m.layers[0].attention.head_dim;
  mixer.width = mixer.heads * mixer.state;
  mixer.chunk = c.count({"block_size"}, 256, 1, most_tokens);
  mix_instead(m, mixer, attending_layers(c, {"layer_types"}, m.layers.size(), every_second));
  return m;
}

}  // namespace gpumem
