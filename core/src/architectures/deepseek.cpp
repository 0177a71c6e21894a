// Multi-head latent attention, dense layers first, then experts with shared ones.

#include "architectures/common.hpp"

namespace gpumem {
namespace {

/// A rank that is absent has the class's default; one that is null means: no low-rank projection.
double read_rank(Fields& c, double absent) {
  const Document* given = c.source() ? c.source()->find("q_lora_rank") : nullptr;
  c.value({"q_lora_rank"});
  if (given && given->is(Document::Kind::null)) return 0;
  return c.count({"q_lora_rank"}, absent, 0, most_width);
}

DecoderLayer latent_layer(Fields& c, double query_rank) {
  DecoderLayer layer;
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "silu");
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  LatentProjection& l = layer.attention.latent.emplace();
  l.query_rank = read_rank(c, query_rank);
  l.key_rank = c.count({"kv_lora_rank"}, 512, 1, most_width);
  l.nope_dim = c.count({"qk_nope_head_dim"}, 128, 1, most_width);
  l.rotary_dim = c.count({"qk_rope_head_dim"}, 64, 1, most_width);
  l.value_dim = c.count({"v_head_dim"}, 128, 1, most_width);
  l.bias = c.flag({"attention_bias"}, false);
  layer.experts.emplace().activation = layer.mlp.activation;
  return layer;
}

/// Keys and values are expanded to as many heads as there are queries.
Decoder latent_decoder(Fields& c, const DecoderDefaults& defaults, const DecoderLayer& layer) {
  Decoder m = plain_decoder(c, defaults, layer);
  for (DecoderLayer& l : m.layers) {
    AttentionLayer& a = l.attention;
    a.kv_heads = a.heads;
    a.head_dim = a.latent->nope_dim + a.latent->rotary_dim;
    a.rotary_dim = a.latent->rotary_dim;
  }
  m.final_norm = NormKind::rms;
  return m;
}

}  // namespace

void dense_first(Decoder& m, double count) {
  for (std::size_t i = 0; i < m.layers.size() && static_cast<double>(i) < count; ++i) m.layers[i].experts.reset();
}

/// Source: [transformers] models/deepseek_v3/modeling_deepseek_v3.py DeepseekV3TopkRouter, DeepseekV3MoE
void read_scored_experts(Fields& c, ExpertsLayer& e, const ExpertsDefaults& d, double shared, double groups) {
  read_experts(c, e, d);
  e.scores = ExpertsLayer::Scores::sigmoid;
  e.router_in_fp32 = e.choice_bias = e.grouped_choice = e.scaled = e.weights_in_fp32 = true;
  e.groups = c.count({"n_group"}, groups, 1, e.experts);
  e.normalised = c.flag({"norm_topk_prob"}, true) ? ExpertsLayer::Normalised::in_place : ExpertsLayer::Normalised::no;
  e.shared_width = e.width * c.count({"n_shared_experts"}, shared, 0, most_experts);
}

/// Source: [transformers] models/deepseek_v2/modeling_deepseek_v2.py
Decoder deepseek_v2(Fields& c) {
  DecoderLayer layer = latent_layer(c, 1536);
  layer.mlp.bias = c.flag({"mlp_bias"}, false);
  layer.attention.rotary = AttentionLayer::Rotary::complex;
  ExpertsLayer& e = *layer.experts;
  read_experts(c, e, {64, std::nullopt, 1407, {"moe_intermediate_size"}});
  e.router_in_fp32 = e.scaled = e.weights_in_fp32 = true;
  e.grouped_choice = c.text({"topk_method"}, "greedy") == "group_limited_greedy";
  if (e.grouped_choice) e.groups = c.count({"n_group"}, 1, 1, e.experts);
  e.shared_width = e.width * c.count({"n_shared_experts"}, 2, 0, most_experts);
  Decoder m = latent_decoder(c, {.vocabulary = 102400, .hidden = 4096, .width = 11008, .layers = 32, .heads = 32}, layer);
  dense_first(m, c.count({"first_k_dense_replace"}, 0, 0, most_layers));
  return m;
}

/// Source: [transformers] models/deepseek_v3/modeling_deepseek_v3.py
Decoder deepseek_v3(Fields& c) {
  DecoderLayer layer = latent_layer(c, 1536);
  layer.attention.rotary = c.flag({"rope_interleave"}, true) ? AttentionLayer::Rotary::interleaved : AttentionLayer::Rotary::whole;
  read_scored_experts(c, *layer.experts, {256, 8, 2048, {"moe_intermediate_size"}}, 1, 8);
  Decoder m = latent_decoder(c, {.vocabulary = 129280, .hidden = 7168, .width = 18432, .layers = 61, .heads = 128,
                                 .positions = 4096}, layer);
  dense_first(m, c.count({"first_k_dense_replace"}, 3, 0, most_layers));
  return m;
}

}  // namespace gpumem
