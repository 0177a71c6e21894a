// Plain attention with DeepSeek-V3's kind of experts: sigmoids, a bias for the choice, shared experts.

#include <algorithm>
#include <cmath>

#include "architectures/common.hpp"

namespace gpumem {
namespace {

using Normalised = ExpertsLayer::Normalised;

/// Layers without experts: those that mlp_layer_types names dense, else so many at the start.
void first_dense(Fields& c, Decoder& m, double dense);

Decoder finished(Decoder m) {
  m.final_norm = NormKind::rms;
  return m;
}

}  // namespace

void read_scored_experts(Fields& c, ExpertsLayer& e, const ExpertsDefaults& d, double shared, double groups, bool normalised) {
  read_experts(c, e, d);
  e.scores = ExpertsLayer::Scores::sigmoid;
  e.router_in_fp32 = e.choice_bias = e.grouped_choice = e.scaled = e.weights_in_fp32 = true;
  e.groups = c.count({"n_group"}, groups, 1, e.experts);
  e.normalised = c.flag({"norm_topk_prob"}, normalised) ? Normalised::in_place : Normalised::no;
  e.shared_width = e.width * c.count({"n_shared_experts", "num_shared_experts"}, shared, 0, most_experts);
}

/// `mlp_layer_types` where it is given, else the first layers are dense.
void dense_layers(Fields& c, Decoder& m, double first) { first_dense(c, m, c.count({"first_k_dense_replace"}, first, 0, most_layers)); }

namespace {

void first_dense(Fields& c, Decoder& m, double dense) {
  const Document* types = c.value({"mlp_layer_types"});
  const bool listed = types && types->is(Document::Kind::list);
  if (listed && types->items().size() != m.layers.size())
    c.report("mlp_layer_types", "wrong-length", "must name a type for each of the layers");
  for (std::size_t i = 0; i < m.layers.size(); ++i) {
    const bool sparse = listed && i < types->items().size() ? types->items()[i].text() == "sparse" : static_cast<double>(i) >= dense;
    if (!sparse) m.layers[i].experts.reset();
  }
}

}  // namespace

/// Source: [transformers] models/glm4_moe/modeling_glm4_moe.py
Decoder glm4_moe(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.attention.rotary = AttentionLayer::Rotary::leading_then_glued;
  layer.attention.output_bias = false;
  if (c.flag({"use_qk_norm"}, false)) layer.attention.qk_norm = NormKind::rms;
  read_scored_experts(c, *layer.experts, {128, 8, 1408, {"moe_intermediate_size"}}, 1, 1, true);
  const double hidden = c.count({"hidden_size"}, 4096, 1, most_width), heads = c.count({"num_attention_heads"}, 96, 1, most_heads);
  Decoder m = plain_decoder(c, {.vocabulary = 151552, .hidden = 4096, .width = 10944, .layers = 46, .heads = 96, .kv_heads = 8,
                                .head_dim = std::max(std::floor(hidden / heads), 1.0), .positions = 131072}, layer);
  rotate_leading_part(m, rotary_share(c, 0.5));
  dense_layers(c, m, 1);
  return finished(std::move(m));
}

/// Source: [transformers] models/solar_open/modeling_solar_open.py
Decoder solar_open(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.attention.output_bias = false;
  read_scored_experts(c, *layer.experts, {128, 8, 1280, {"moe_intermediate_size"}}, 1, 1, true);
  return finished(plain_decoder(c, {.vocabulary = 196608, .hidden = 4096, .width = 10240, .layers = 48, .heads = 64,
                                    .kv_heads = 8, .head_dim = 128, .positions = 131072}, layer));
}

/// Source: [transformers] models/dots1/modeling_dots1.py
Decoder dots1(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.attention.qk_norm = NormKind::rms;
  layer.attention.qk_norm_place = AttentionLayer::QkNorm::at_once;
  read_scored_experts(c, *layer.experts, {std::nullopt, std::nullopt, 1408, {"moe_intermediate_size"}}, 0, 1, false);
  Decoder m = plain_decoder(c, {.vocabulary = 152064, .hidden = 4608, .width = 10944, .layers = 62, .heads = 32,
                                .kv_heads = 32}, layer);
  const double first = c.count({"max_window_layers"}, 62, 0, most_layers);
  set_windows(c, m, read_window(c, 4096), [](int i, double from) { return i >= from; }, first);
  dense_layers(c, m, 0);
  return finished(std::move(m));
}

/// Source: [transformers] models/exaone_moe/modeling_exaone_moe.py: layers that see everything turn nothing
Decoder exaone_moe(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.attention.input_bias = layer.attention.output_bias = layer.mlp.bias = false;
  layer.attention.qk_norm = NormKind::rms;
  read_scored_experts(c, *layer.experts, {64, 8, 1024, {"moe_intermediate_size"}}, 1, 1, true);
  Decoder m = plain_decoder(c, {.vocabulary = 102400, .hidden = 4096, .width = 16384, .layers = 32, .heads = 32,
                                .kv_heads = 32}, layer);
  const Document* pattern = c.value({"sliding_window_pattern"});
  const bool counted = pattern && pattern->is(Document::Kind::number) && pattern->number() >= 1;
  const double window = read_window(c, 4096);
  set_windows(c, m, window, all_but_every, counted ? pattern->number() : 4);
  if (window > 0)
    for (DecoderLayer& l : m.layers)
      if (l.attention.window == 0) l.attention.rotary = AttentionLayer::Rotary::none;
  dense_layers(c, m, 1);
  return finished(std::move(m));
}

/// Source: [transformers] models/hy_v3/modeling_hy_v3.py
Decoder hy_v3(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.attention.qk_norm = NormKind::rms;
  ExpertsLayer& e = *layer.experts;
  read_scored_experts(c, e, {192, 8, 1536, {"moe_intermediate_size"}}, 1, 1, true);
  e.grouped_choice = false;
  e.normalised = Normalised::anew;
  e.summed_in_fp32 = c.flag({"enable_moe_fp32_combine"}, true);
  Decoder m = plain_decoder(c, {.vocabulary = 120832, .hidden = 4096, .width = 13312, .layers = 80, .heads = 64,
                                .kv_heads = 8, .head_dim = 128, .positions = 131072}, layer);
  first_dense(c, m, 1);   // its class does not read first_k_dense_replace
  return finished(std::move(m));
}

/// Source: [transformers] models/minimax_m2/modeling_minimax_m2.py
Decoder minimax_m2(Fields& c) {
  DecoderLayer layer = sparse_layer(c);
  layer.attention.input_bias = layer.attention.output_bias = false;
  layer.attention.rotary = AttentionLayer::Rotary::leading_then_glued;
  layer.attention.qk_norm = NormKind::rms;
  layer.attention.qk_norm_place = AttentionLayer::QkNorm::whole;
  ExpertsLayer& e = *layer.experts;
  read_experts(c, e, {256, 8, 1536, {"intermediate_size"}});
  e.scores = ExpertsLayer::Scores::sigmoid;
  e.choice_bias = e.weights_in_fp32 = true;
  e.normalised = Normalised::in_place;
  Decoder m = plain_decoder(c, {.vocabulary = 200064, .hidden = 3072, .width = 1536, .layers = 62, .heads = 48,
                                .kv_heads = 8, .head_dim = 128, .positions = 196608}, layer);
  const double rotated = c.count({"rotary_dim"}, 0, 0, most_width);
  rotate_leading_part(m, rotated > 0 ? rotated / m.layers.front().attention.head_dim : rotary_share(c, 1));
  return finished(std::move(m));
}

/// Source: [transformers] models/dbrx/modeling_dbrx.py; clip_qkv must be given, says its class, and is
Decoder dbrx(Fields& c) {
  Fields attends = c.record("attn_config"), feeds = c.record("ffn_config");
  DecoderLayer layer;
  layer.order = DecoderLayer::Order::kept_attention;
  layer.norm = NormKind::layer_unbiased;
  layer.attention.projection = AttentionLayer::Projection::split;
  layer.attention.clipped = true;
  layer.attention.dropout = attends.number({"attn_pdrop"}, 0, 0, 1);
  layer.dropout = c.number({"resid_pdrop"}, 0, 0, 1);
  ExpertsLayer& e = layer.experts.emplace();
  e.looped = e.weights_in_fp32 = true;   // they are as they come: in fp32 where autocast widens the norm they are divided by
  e.experts = feeds.count({"moe_num_experts"}, 4, 1, most_experts);
  e.top = feeds.count({"moe_top_k"}, 1, 1, e.experts);
  e.width = feeds.count({"ffn_hidden_size"}, 3584, 1, most_width);
  e.normalised = ExpertsLayer::Normalised::anew;
  Fields activation = feeds.record("ffn_act_fn");
  e.activation = read_activation(activation, {"name"}, "silu");
  Decoder m = plain_decoder(c, {.vocabulary = 32000, .hidden = 2048, .width = 1, .layers = 24, .heads = 16}, layer);
  m.max_positions = c.count({"max_seq_len"}, 2048, 1, most_tokens);
  const double kv_heads = attends.count({"kv_n_heads"}, 1, 1, most_heads);
  for (DecoderLayer& l : m.layers) l.attention.kv_heads = kv_heads;
  m.embedding_dropout = c.number({"emb_pdrop"}, 0, 0, 1);
  m.final_norm = NormKind::layer_unbiased;
  return m;
}

/// Experts give queries and outputs of attention, too; every head of keys serves a query of each expert that a token takes.
/// Source: [transformers] models/jetmoe/configuration_jetmoe.py
Decoder jetmoe(Fields& c) {
  DecoderLayer layer;
  layer.attention.form = AttentionLayer::Form::mixture;
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  ExpertsLayer& e = layer.experts.emplace();
  read_experts(c, e, {8, 2, 5632, {"intermediate_size"}});
  e.activation = read_activation(c, {"activation_function"}, "silu");
  const double kv_heads = c.count({"num_key_value_heads"}, 16, 1, most_heads), dim = c.count({"kv_channels"}, 128, 1, most_width);
  Decoder m = plain_decoder(c, {.vocabulary = 32000, .hidden = 2048, .width = 5632, .layers = 12, .heads = kv_heads * e.top, .kv_heads = kv_heads,
                                .head_dim = dim, .positions = 4096, .tied = true}, layer);
  for (DecoderLayer& l : m.layers) l.attention.heads = kv_heads * e.top;
  m.final_norm = NormKind::rms;
  return m;
}

}  // namespace gpumem
