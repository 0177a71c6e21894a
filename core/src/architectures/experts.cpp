// Decoders whose feed-forward part is a mixture of experts, with plain attention.

#include <algorithm>
#include <cmath>

#include "architectures/common.hpp"

namespace gpumem {
namespace {

using Scores = ExpertsLayer::Scores;
using Normalised = ExpertsLayer::Normalised;

Decoder finished(Decoder m, NormKind norm = NormKind::rms) {
  m.final_norm = norm;
  return m;
}

}  // namespace

/// Every layer whose number is in the list, or that the step leaves out, has a plain MLP.
/// Source: [transformers] models/qwen2_moe/modeling_qwen2_moe.py Qwen2MoeDecoderLayer.__init__
void sparse_by_step(Fields& c, Decoder& m) {
  const double step = c.count({"decoder_sparse_step"}, 1, 1, most_layers);
  const Document* plain = c.value({"mlp_only_layers"});
  for (std::size_t i = 0; i < m.layers.size(); ++i) {
    bool sparse = std::fmod(static_cast<double>(i + 1), step) == 0;
    if (plain && plain->is(Document::Kind::list))
      for (const Document& number : plain->items()) sparse = sparse && number.number() != static_cast<double>(i);
    if (!sparse) m.layers[i].experts.reset();
  }
}

DecoderLayer sparse_layer(Fields& c, bool bias_absent) {
  DecoderLayer layer = gated_layer(c, bias_absent);
  layer.experts.emplace().activation = layer.mlp.activation;
  return layer;
}

void read_experts(Fields& c, ExpertsLayer& e, const ExpertsDefaults& d) {
  e.experts = c.count({"num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"}, d.experts, 1, most_experts);
  e.top = c.count({"num_experts_per_tok", "moe_k", "moe_topk"}, d.top, 1, e.experts);
  e.width = c.count(d.width_name, d.width, 1, most_width);
}

/// Source: [transformers] models/mixtral/configuration_mixtral.py
Decoder mixtral(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.attention.input_bias = layer.attention.output_bias = false;
  layer.attention.repeated_for_flash = true;
  read_experts(c, *layer.experts, {8, 2, 14336, {"intermediate_size"}});
  layer.experts->normalised = Normalised::in_place;
  layer.experts->weights_in_fp32 = true;
  Decoder m = plain_decoder(c, {.vocabulary = 32000, .hidden = 4096, .width = 14336, .layers = 32, .heads = 32,
                                .kv_heads = 8, .positions = 131072}, layer);
  set_windows(c, m, read_window(c, 0), every_layer, 0);
  return finished(std::move(m));
}

/// Source: [transformers] models/qwen2_moe/configuration_qwen2_moe.py
Decoder qwen2_moe(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.attention.repeated_for_flash = true;
  layer.attention.input_bias = c.flag({"qkv_bias"}, true);
  layer.attention.output_bias = false;
  ExpertsLayer& e = *layer.experts;
  read_experts(c, e, {60, 4, 1408, {"moe_intermediate_size"}});
  e.normalised = c.flag({"norm_topk_prob"}, false) ? Normalised::in_place : Normalised::no;
  e.shared_width = c.count({"shared_expert_intermediate_size"}, 5632, 1, most_width);
  e.shared_first = e.shared_gated = true;
  Decoder m = plain_decoder(c, {.vocabulary = 151936, .hidden = 2048, .width = 5632, .layers = 24, .heads = 16,
                                .kv_heads = 16, .positions = 32768}, layer);
  m.window_mask_always = !c.flag({"use_sliding_window"}, false);   // a window of 0 is one for transformers
  qwen_windows(c, m);
  sparse_by_step(c, m);
  return finished(std::move(m));
}

/// Source: [transformers] models/qwen3_moe/configuration_qwen3_moe.py
Decoder qwen3_moe(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.attention.qk_norm = NormKind::rms;
  layer.attention.qk_norm_place = AttentionLayer::QkNorm::at_once;
  read_experts(c, *layer.experts, {128, 8, 768, {"moe_intermediate_size"}});
  layer.experts->normalised = c.flag({"norm_topk_prob"}, false) ? Normalised::in_place : Normalised::no;
  Decoder m = plain_decoder(c, {.vocabulary = 151936, .hidden = 2048, .width = 6144, .layers = 24, .heads = 32,
                                .kv_heads = 4, .positions = 32768}, layer);
  set_windows(c, m, c.flag({"use_sliding_window"}, false) ? read_window(c, 4096) : 0, every_layer, 0);
  sparse_by_step(c, m);
  return finished(std::move(m));
}

/// Source: [transformers] models/olmoe/configuration_olmoe.py
Decoder olmoe(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.attention.qk_norm = NormKind::rms;
  layer.attention.qk_norm_place = AttentionLayer::QkNorm::whole;
  layer.attention.clipped = c.number({"clip_qkv"}, 0, 0, 1e9) > 0;
  read_experts(c, *layer.experts, {64, 8, 2048, {"intermediate_size"}});
  layer.experts->normalised = c.flag({"norm_topk_prob"}, false) ? Normalised::in_place : Normalised::no;
  return finished(plain_decoder(c, {.vocabulary = 50304, .hidden = 2048, .width = 2048, .layers = 16, .heads = 16,
                                    .positions = 4096}, layer));
}

/// Source: [transformers] models/granitemoe/modeling_granitemoe.py
Decoder granitemoe(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.scaled = true;
  read_experts(c, *layer.experts, {8, 2, 11008, {"intermediate_size"}});
  layer.experts->scores = Scores::softmax_of_top;
  layer.experts->always_stacked = true;
  Decoder m = plain_decoder(c, {.vocabulary = 32000, .hidden = 4096, .width = 11008, .layers = 32, .heads = 32}, layer);
  m.embedding_multiplied = m.logits_scaled = true;
  return finished(std::move(m));
}

/// Source: [transformers] models/granitemoeshared/modeling_granitemoeshared.py
Decoder granitemoeshared(Fields& c) {
  Decoder m = granitemoe(c);
  const double shared = c.count({"shared_intermediate_size"}, 0, 0, most_width);
  for (DecoderLayer& l : m.layers) l.experts->shared_width = shared, l.experts->shared_fused = true;
  return m;
}

/// Source: [transformers] models/hunyuan_v1_moe/modeling_hunyuan_v1_moe.py
Decoder hunyuan_moe(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.mlp.bias = false;
  layer.attention.qk_norm = NormKind::rms;
  layer.attention.qk_norm_place = AttentionLayer::QkNorm::after_rotary;
  ExpertsLayer& e = *layer.experts;
  read_experts(c, e, {1, 1, 11008, {"intermediate_size"}});
  e.normalised = Normalised::in_place;
  e.router_in_fp32 = e.router_kept_in_fp32 = e.weights_in_fp32 = e.shared_first = true;
  e.shared_width = e.width;
  return finished(plain_decoder(c, {.vocabulary = 290943, .hidden = 4096, .width = 11008, .layers = 32, .heads = 32}, layer));
}

/// Source: [transformers] models/phimoe/modeling_phimoe.py; its sampling router is counted as softmax, then the largest
Decoder phimoe(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.norm = NormKind::layer;
  read_experts(c, *layer.experts, {16, 2, 6400, {"intermediate_size"}});
  Decoder m = plain_decoder(c, {.vocabulary = 32064, .hidden = 4096, .width = 6400, .layers = 32, .heads = 32,
                                .kv_heads = 8, .positions = 131072}, layer);
  m.head_bias = c.flag({"lm_head_bias"}, false);
  set_windows(c, m, read_window(c, 0), every_layer, 0);
  return finished(std::move(m), NormKind::layer);
}

/// Source: [transformers] models/gpt_oss/modeling_gpt_oss.py
Decoder gpt_oss(Fields& c) {
  DecoderLayer layer = sparse_layer(c, true);
  layer.norm = NormKind::rms_wide;
  layer.attention.sinks = true;
  layer.attention.rotary = AttentionLayer::Rotary::halves;
  ExpertsLayer& e = *layer.experts;
  read_experts(c, e, {128, 4, 2880, {"intermediate_size"}});
  e.scores = Scores::softmax_of_top;
  e.logits_in_fp32 = false;
  e.router_bias = e.bias = e.transposed = e.clamped = e.always_stacked = true;
  Decoder m = plain_decoder(c, {.vocabulary = 201088, .hidden = 2880, .width = 2880, .layers = 36, .heads = 64,
                                .kv_heads = 8, .head_dim = 64, .positions = 131072}, layer);
  set_windows(c, m, read_window(c, 128), all_but_every, 2);
  return finished(std::move(m), NormKind::rms_wide);
}

/// Source: [transformers] models/ernie4_5_moe/modeling_ernie4_5_moe.py
Decoder ernie4_5_moe(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.attention.input_bias = layer.attention.output_bias = layer.mlp.bias = c.flag({"use_bias"}, false);
  layer.attention.rotary_format = AttentionLayer::RotaryFormat::wide_by_part;
  layer.attention.rotary_repeated = true;
  ExpertsLayer& e = *layer.experts;
  read_experts(c, e, {64, 6, 1536, {"moe_intermediate_size"}});
  e.router_in_fp32 = e.choice_bias = e.bias_is_parameter = e.shared_first = e.router_kept_in_fp32 = true;
  e.normalised = Normalised::anew;
  e.shared_width = e.width * c.count({"moe_num_shared_experts"}, 2, 0, most_experts);
  Decoder m = plain_decoder(c, {.vocabulary = 103424, .hidden = 2560, .width = 12288, .layers = 28, .heads = 20,
                                .kv_heads = 4, .positions = 131072, .tied = true}, layer);
  m.head_bias = layer.attention.input_bias;
  const double first = c.count({"moe_layer_start_index"}, 1, 0, most_layers);
  const double last = c.number({"moe_layer_end_index"}, -1, -1, most_layers);
  const double interval = c.count({"moe_layer_interval"}, 1, 1, most_layers);
  for (std::size_t i = 0; i < m.layers.size(); ++i) {
    const auto at = static_cast<double>(i);
    if (std::fmod(at + 1, interval) != 0 || at < first || (last >= 0 && at > last)) m.layers[i].experts.reset();
  }
  return finished(std::move(m));
}

}  // namespace gpumem
