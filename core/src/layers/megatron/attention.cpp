// Attention by Transformer Engine: one projection for queries, keys and values, rotation and attention in one kernel each.

#include "layers/megatron/block.hpp"
#include "layers/megatron/linears.hpp"
#include "layers/megatron/recompute.hpp"

namespace gpumem::megatron {
namespace {

void attention_backward(Machine& m, Node& n, Gradients& g) {
  for (int i = 0; i < 3; ++i)
    if (n.wants(i)) g.made[static_cast<std::size_t>(i)] = m.gradient_like(n, i, "gradient of attention");
}

/// One kernel: saves its operands, its output and a number for each row and head.
/// Source: [transformer-engine] pytorch/attention/dot_product_attention/backends.py FusedAttnFunc
Value kernel(Machine& m, Value query, Value key, Value value, double heads) {
  const Value q = std::move(query), k = std::move(key), v = std::move(value);
  Node* node = m.record(attention_backward, {&q, &k, &v});
  m.save(node, q);
  m.save(node, k);
  m.save(node, v);
  Value out = m.allocate({q->shape[0], heads * (v->shape[-1] / (k->shape[-1] / (q->shape[-1] / heads)))}, q->format, "attention output");
  m.save(node, out);
  m.save(node, m.allocate({heads, q->shape[0]}, fp32, "softmax statistics"));
  return m.bind(node, out);
}

/// Tokens against heads: each rank gets whole sequences of fewer heads, in two steps.
Value exchanged(Machine& m, Value x, const char* label) { return moved(m, moved(m, std::move(x), label), "reordered"); }

}  // namespace

/// Under context parallelism by all-to-all the kernel keeps its own output beside the exchanged one; along a ring keys and
/// values are kept as one tensor.
/// Source: [transformer-engine] pytorch/attention/dot_product_attention/context_parallel.py
Value core_attention(Machine& m, const Pass& pass, Value q, Value k, Value v, double heads) {
  Stretch stretch(m, pass.share.recompute.attention);
  const bool several = pass.share.context > 1, all_to_all = pass.share.exchange == ContextExchange::all_to_all;
  if (several && all_to_all) {
    q = exchanged(m, std::move(q), "queries, exchanged");
    k = exchanged(m, std::move(k), "keys, exchanged");
    v = exchanged(m, std::move(v), "values, exchanged");
  } else if (several) {
    k = moved(m, std::move(k), "keys for the ring");
    v = moved(m, std::move(v), "values for the ring");
  }
  Value out = kernel(m, std::move(q), std::move(k), std::move(v), heads);
  if (several && all_to_all) out = exchanged(m, std::move(out), "attention output, exchanged");
  else if (several) out = moved(m, std::move(out), "attention output, corrected");
  stretch.end();
  return stretch.let_go(std::move(out));
}

/// Queries of one group lie beside their key and value: they are copied out, and values are where keys are turned.
/// Source: [megatron-lm] megatron/core/transformer/attention.py SelfAttention.get_query_key_value_tensors;
/// [transformer-engine] pytorch/attention/dot_product_attention/utils.py get_qkv_layout
Value attention(Machine& m, const Pass& pass, const DecoderLayer& described, Value x) {
  const Machine::Scope scope(m, "self_attention");
  const AttentionLayer& a = described.attention;
  const double query = a.heads * a.head_dim, key = a.kv_heads * a.head_dim;
  const NormKind kind = described.norm;
  Value joint = linear(m, pass, std::move(x), {"linear_qkv", query + 2 * key, Divided::outputs, kind, a.input_bias});
  std::vector<Value> parts = m.split(std::move(joint), {query, key, key});
  Value q = std::move(parts[0]), k = std::move(parts[1]), v = std::move(parts[2]);
  const Value held = v;   // a variable of the layer, which holds the whole projection until it returns
  if (a.heads > a.kv_heads) q = moved(m, std::move(q), "queries, in order");
  const auto each_head = [&](Value whole, double heads, const char* name) {
    const Shape flat = whole->shape;
    Value rows = m.view(whole, {flat[0] * heads, a.head_dim});
    whole.drop();
    Value normalised = norm(m, name, *a.qk_norm, std::move(rows));
    return m.view(normalised, flat);
  };
  if (a.qk_norm) {
    q = each_head(std::move(q), a.heads, "q_layernorm");
    k = each_head(moved(m, std::move(k), "keys, in order"), a.kv_heads, "k_layernorm");
  }
  if (a.rotary != AttentionLayer::Rotary::none) {
    q = moved(m, std::move(q), "queries, turned");
    k = moved(m, std::move(k), "keys, turned");
  }
  v = moved(m, std::move(v), "values, in order");
  Value out = core_attention(m, pass, std::move(q), std::move(k), std::move(v), a.heads);
  return linear(m, pass, std::move(out), {"linear_proj", pass.share.hidden, Divided::inputs, {}, a.output_bias});
}

}  // namespace gpumem::megatron
