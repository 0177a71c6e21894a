// Multi-head latent attention, dense layers first, then experts with shared ones.

#include "architectures/common.hpp"
#include "architectures/graph_hybrids.hpp"

namespace gpumem {
namespace {

/// A rank that is absent has the class's default; one that is null means: no low-rank projection.
double read_rank(Fields& c, double absent) {
  const Document* given = c.source() ? c.source()->find("q_lora_rank") : nullptr;
  c.value({"q_lora_rank"});
  if (given && given->is(Document::Kind::null)) return 0;
  return c.count({"q_lora_rank"}, absent, 0, most_width);
}

struct LatentDefaults {
  double query_rank = 1536, key_rank = 512, nope = 128, rotary = 64, value = 128;
};

DecoderLayer latent_layer(Fields& c, const LatentDefaults& d) {
  DecoderLayer layer;
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "silu");
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  LatentProjection& l = layer.attention.latent.emplace();
  l.query_rank = read_rank(c, d.query_rank);
  l.key_rank = c.count({"kv_lora_rank"}, d.key_rank, 1, most_width);
  l.nope_dim = c.count({"qk_nope_head_dim"}, d.nope, 1, most_width);
  l.rotary_dim = c.count({"qk_rope_head_dim"}, d.rotary, 1, most_width);
  l.value_dim = c.count({"v_head_dim"}, d.value, 1, most_width);
  l.bias = c.flag({"attention_bias"}, false);
  layer.experts.emplace().activation = layer.mlp.activation;
  return layer;
}

/// Keys and values are expanded to as many heads as there are queries.
Decoder latent_decoder(Fields& c, DecoderDefaults defaults, const DecoderLayer& layer) {
  defaults.head_dim = 1;   // of no use here: each part of a head has a width of its own
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

/// Source: [transformers] models/deepseek_v2/modeling_deepseek_v2.py
Decoder deepseek_v2(Fields& c) {
  DecoderLayer layer = latent_layer(c, {});
  layer.mlp.bias = c.flag({"mlp_bias"}, false);
  layer.attention.rotary = AttentionLayer::Rotary::complex;
  ExpertsLayer& e = *layer.experts;
  read_experts(c, e, {64, std::nullopt, 1407, {"moe_intermediate_size"}});
  e.router_in_fp32 = e.scaled = e.weights_in_fp32 = true;
  e.grouped_choice = c.text({"topk_method"}, "greedy") == "group_limited_greedy";
  if (e.grouped_choice) e.groups = c.count({"n_group"}, 1, 1, e.experts);
  e.shared_width = e.width * c.count({"n_shared_experts"}, 2, 0, most_experts);
  Decoder m = latent_decoder(c, {.vocabulary = 102400, .hidden = 4096, .width = 11008, .layers = 32, .heads = 32}, layer);
  dense_layers(c, m, 0);
  return m;
}

namespace {

Decoder scored(Fields& c, const LatentDefaults& ranks, const ExpertsDefaults& experts, double groups, double dense,
               const DecoderDefaults& sizes) {
  DecoderLayer layer = latent_layer(c, ranks);
  layer.attention.rotary = c.flag({"rope_interleave"}, true) ? AttentionLayer::Rotary::interleaved : AttentionLayer::Rotary::whole;
  read_scored_experts(c, *layer.experts, experts, 1, groups, true);
  Decoder m = latent_decoder(c, sizes, layer);
  dense_layers(c, m, dense);
  return m;
}

}  // namespace

/// Source: [transformers] models/deepseek_v3/modeling_deepseek_v3.py
Decoder deepseek_v3(Fields& c) {
  return scored(c, {}, {256, 8, 2048, {"moe_intermediate_size"}}, 8, 3,
                {.vocabulary = 129280, .hidden = 7168, .width = 18432, .layers = 61, .heads = 128, .positions = 4096});
}

/// Source: [transformers] models/glm4_moe_lite/modeling_glm4_moe_lite.py
Decoder glm4_moe_lite(Fields& c) {
  return scored(c, {.query_rank = 768, .nope = 192, .value = 256}, {64, 4, 1536, {"moe_intermediate_size"}}, 1, 1,
                {.vocabulary = 154880, .hidden = 2048, .width = 10240, .layers = 47, .heads = 20, .positions = 202752});
}

/// An indexer chooses the tokens that latent attention sees; some layers take the choice of the one before.
/// Source: [transformers] models/glm_moe_dsa/configuration_glm_moe_dsa.py, models/deepseek_v32/configuration_deepseek_v32.py
HybridModel indexed_latent_graph(Fields& c, double groups) {
  HybridModel m;
  m.decoder = scored(c, {.query_rank = 2048, .nope = 192, .value = 256}, {256, 8, 2048, {"moe_intermediate_size"}}, groups, 3,
                     {.vocabulary = 154880, .hidden = 6144, .width = 12288, .layers = 78, .heads = 64, .positions = 202752});
  const Document* types = c.value({"indexer_types"});
  HybridBlock block;
  block.attends = block.feeds = true;
  Indexer& own = block.indexer.emplace();
  own.heads = c.count({"index_n_heads"}, 32, 1, most_heads);
  own.dim = c.count({"index_head_dim"}, 128, 1, most_width);
  own.top = c.count({"index_topk"}, 2048, 1, most_tokens);
  m.blocks.assign(m.decoder.layers.size(), block);
  for (std::size_t i = 1; i < m.blocks.size(); ++i)
    if (types && types->is(Document::Kind::list) && i < types->items().size())
      m.blocks[i].indexer->shared = types->items()[i].is(Document::Kind::text) && types->items()[i].text() == "shared";
  return m;
}

/// Source: [transformers] models/youtu/modeling_youtu.py: no experts
Decoder youtu(Fields& c) {
  DecoderLayer layer = latent_layer(c, {});
  layer.attention.rotary = c.flag({"rope_interleave"}, true) ? AttentionLayer::Rotary::interleaved : AttentionLayer::Rotary::whole;
  layer.experts.reset();
  return latent_decoder(c, {.vocabulary = 128256, .hidden = 2048, .width = 6144, .layers = 32, .heads = 16,
                            .positions = 131072, .tied = true}, layer);
}

}  // namespace gpumem
