// Attention whose keys and values come from one low-rank latent per token. The cache holds the latent; every pass
// expands keys and values of all cached tokens anew.

#include "layers/latent_attention.hpp"

#include "layers/dense.hpp"
#include "layers/norms.hpp"
#include "layers/rotary.hpp"

namespace gpumem {
namespace {

struct KeyValue {
  Value key, value;
};

/// Source: [transformers] models/deepseek_v3/modeling_deepseek_v3.py DeepseekV3Attention.expand_kv
KeyValue expand(Machine& m, const AttentionLayer& a, Value latent, const Value& rotary_key) {
  const LatentProjection& l = *a.latent;
  const double b = latent->shape[0], s = latent->shape[2];
  Value joint = dense(m, "kv_b_proj", std::move(latent), a.heads * (l.nope_dim + l.value_dim), false);
  joint = m.view(joint, {b, a.heads, s, l.nope_dim + l.value_dim});
  auto parts = m.split(joint, {l.nope_dim, l.value_dim});
  return {m.fill_side_by_side(parts[0], rotary_key, "key"), std::move(parts[1])};
}

}  // namespace

/// Source: [transformers] models/deepseek_v3/modeling_deepseek_v3.py DeepseekV3Attention.forward,
/// models/deepseek_v2/modeling_deepseek_v2.py DeepseekV2Attention.forward
AttentionResult latent_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass) {
  const LatentProjection& l = *a.latent;
  const double width = a.heads * (l.nope_dim + l.rotary_dim);
  Value q;
  if (l.query_rank > 0) {
    q = normalise(m, "q_a_layernorm", NormKind::rms, dense(m, "q_a_proj", x, l.query_rank, l.bias));
    q = dense(m, "q_b_proj", std::move(q), width, false);
  } else {
    q = dense(m, "q_proj", x, width, false);
  }
  q = m.heads(q, a.heads);
  auto q_parts = m.split(q, {l.nope_dim, l.rotary_dim});
  const Value compressed = dense(m, "kv_a_proj_with_mqa", x, l.key_rank + l.rotary_dim, l.bias);
  auto kv_parts = m.split(compressed, {l.key_rank, l.rotary_dim});
  Value latent = m.heads(normalise(m, "kv_a_layernorm", NormKind::rms, kv_parts[0]), 1);
  auto [rotary_query, rotary_key] = rotate(m, a, pass.rotary_of(false), q_parts[1], m.heads(kv_parts[1], 1));
  q_parts[1].drop();
  kv_parts[1].drop();
  if (pass.cache) {
    KvCache::KeyValue all = pass.cache->update(m, latent, rotary_key, 0);
    latent = std::move(all.key);
    rotary_key = std::move(all.value);
  }
  const Value query = m.cat(q_parts[0], rotary_query, "query");
  const KeyValue expanded = expand(m, a, latent, rotary_key);
  AttentionResult result = attend(m, a, pass, query, expanded.key, expanded.value);
  result.output = dense(m, "o_proj", result.output, x->shape[-1], l.bias);
  return result;
}

}  // namespace gpumem
