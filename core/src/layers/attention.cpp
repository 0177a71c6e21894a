#include "layers/attention.hpp"

#include "layers/dense.hpp"
#include "layers/norms.hpp"
#include "layers/rotary.hpp"

namespace gpumem {
namespace {

struct QueryKeyValue {
  Value joint;   ///< a joint projection stays alive as long as its parts
  Value query, key, value;
};

void normalise_both(Machine& m, const AttentionLayer& a, Value& query, Value& key) {
  if (!a.qk_norm) return;
  query = normalise(m, "q_norm", *a.qk_norm, query);
  key = normalise(m, "k_norm", *a.qk_norm, key);
}

QueryKeyValue separate(Machine& m, const AttentionLayer& a, const Value& x) {
  QueryKeyValue p;
  const auto normed = [&](const char* name, AttentionLayer::QkNorm place, Value part) {
    return a.qk_norm && a.qk_norm_place == place ? normalise(m, name, *a.qk_norm, std::move(part)) : part;
  };
  const auto projected = [&](const char* name, const char* norm, double heads) {
    Value part = dense(m, name, x, heads * a.head_dim, a.input_bias);
    if (norm) part = normed(norm, AttentionLayer::QkNorm::whole, std::move(part));
    part = m.heads(part, heads);
    return norm ? normed(norm, AttentionLayer::QkNorm::at_once, std::move(part)) : part;
  };
  if (a.scaled_query)
    p.query = m.heads(m.scale(dense(m, "q_proj", x, a.heads * a.head_dim, a.input_bias)), a.heads);
  else
    p.query = projected("q_proj", "q_norm", a.heads);
  p.key = projected("k_proj", "k_norm", a.kv_heads);
  p.value = projected("v_proj", nullptr, a.kv_heads);
  if (a.qk_norm_place == AttentionLayer::QkNorm::after_all) normalise_both(m, a, p.query, p.key);
  return p;
}

QueryKeyValue joint(Machine& m, const AttentionLayer& a, const Value& x) {
  QueryKeyValue p;
  const double q = a.heads * a.head_dim, kv = a.kv_heads * a.head_dim;
  p.joint = dense(m, "qkv_proj", x, q + 2 * kv, a.input_bias, a.transposed);
  if (a.projection == AttentionLayer::Projection::split) {
    auto parts = m.split(p.joint, {q, kv, kv});
    p.query = std::move(parts[0]), p.key = std::move(parts[1]), p.value = std::move(parts[2]);
  } else {
    p.query = m.slice(p.joint, q);
    p.key = m.slice(p.joint, kv);
    p.value = m.slice(p.joint, kv);
  }
  p.query = m.heads(p.query, a.heads);
  p.key = m.heads(p.key, a.kv_heads);
  p.value = m.heads(p.value, a.kv_heads);
  return p;
}

}  // namespace

/// Source: [transformers] models/llama/modeling_llama.py LlamaAttention.forward
AttentionResult attention(Machine& m, const AttentionLayer& a, Value x, const Pass& pass) {
  const Machine::Scope scope(m, "self_attn");
  QueryKeyValue p = a.projection == AttentionLayer::Projection::separate ? separate(m, a, x) : joint(m, a, x);
  if (a.rotary != AttentionLayer::Rotary::none) {
    auto [query, key] = rotate(m, a, pass.rotary_of(a.window > 0), p.query, p.key);
    p.query = std::move(query);
    p.key = std::move(key);
  }
  if (a.qk_norm_place == AttentionLayer::QkNorm::after_rotary) normalise_both(m, a, p.query, p.key);
  if (pass.cache) {
    KvCache::KeyValue all = pass.cache->update(m, p.key, p.value, a.window);
    p.key = std::move(all.key);
    p.value = std::move(all.value);
  }
  AttentionResult result = attend(m, a, pass, p.query, p.key, p.value);
  result.output = dense(m, a.projection == AttentionLayer::Projection::separate ? "o_proj" : "out_proj",
                          result.output, x->shape[-1], a.output_bias, a.transposed);
  result.output = m.dropout(result.output, a.output_dropout);
  return result;
}

}  // namespace gpumem
