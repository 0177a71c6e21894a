// Queries, keys and values from latents, as Megatron-LM projects them.

#include "layers/megatron/block.hpp"
#include "layers/megatron/linears.hpp"
#include "layers/megatron/recompute.hpp"

namespace gpumem::megatron {
namespace {

struct Projected {
  Value q, k, v;
};

void keys_and_values_backward(Machine& m, Node& n, Gradients& g) {
  for (int i = 0; i < 2; ++i)
    if (n.wants(i)) g.made[static_cast<std::size_t>(i)] = m.gradient_like(n, i, "gradient of keys and values");
}

/// Keys get the turned part beside their own, values are set apart; nothing is kept for backward.
/// Source: [megatron-lm] megatron/core/fusions/fused_mla_yarn_rope_apply.py ApplyMLARotaryEmbKV
void keys_and_values(Machine& m, Value both, Value turned, double heads, const LatentProjection& p, Projected& made) {
  const Value from = std::move(both), beside = std::move(turned);
  Node* node = m.record(keys_and_values_backward, {&from, &beside});
  made.k = m.allocate({from->shape[0], heads * (p.nope_dim + p.rotary_dim)}, from->format, "keys");
  made.v = m.allocate({from->shape[0], heads * p.value_dim}, from->format, "values");
  m.bind(node, made.k, 0);
  m.bind(node, made.v, 1);
}

}  // namespace

/// Source: [megatron-lm] megatron/core/transformer/multi_latent_attention.py MLASelfAttention.get_query_key_value_tensors
Value latent_attention(Machine& m, const Pass& pass, const DecoderLayer& described, Value x) {
  const Machine::Scope scope(m, "self_attention");
  const AttentionLayer& a = described.attention;
  const LatentProjection& p = *a.latent;
  const double query = a.heads * (p.nope_dim + p.rotary_dim);
  const NormKind kind = described.norm;
  Value compressed = x;
  if (p.query_rank > 0) compressed = linear(m, pass, x, {"linear_q_down_proj", p.query_rank, Divided::whole, {}, p.bias});
  Value joint = linear(m, pass, std::move(x), {"linear_kv_down_proj", p.key_rank + p.rotary_dim, Divided::whole, {}, p.bias});
  std::vector<Value> parts = m.split(std::move(joint), {p.key_rank, p.rotary_dim});
  Value latent = std::move(parts[0]), turned = std::move(parts[1]);
  if (pass.share.sequence_parallel()) turned = moved_to(m, std::move(turned), {pass.share.rows, p.rotary_dim}, "rotary key, gathered");

  Stretch stretch(m, pass.share.recompute.up_projection);
  Projected made;
  const std::optional<NormKind> query_norm = p.query_rank > 0 ? std::optional(kind) : std::nullopt;
  made.q = linear(m, pass, std::move(compressed), {p.query_rank > 0 ? "linear_q_up_proj" : "linear_q_proj", query, Divided::outputs, query_norm});
  latent = moved(m, std::move(latent), "latent, in order");
  Value both = linear(m, pass, std::move(latent), {"linear_kv_up_proj", a.heads * (p.nope_dim + p.value_dim), Divided::outputs, kind});
  keys_and_values(m, std::move(both), std::move(turned), a.heads, p, made);
  stretch.end();

  Value out = core_attention(m, pass, std::move(made.q), std::move(made.k), std::move(made.v), a.heads);
  out = stretch.let_go(std::move(out));
  return linear(m, pass, std::move(out), {"linear_proj", pass.share.hidden, Divided::inputs, {}, a.output_bias});
}

}  // namespace gpumem::megatron
