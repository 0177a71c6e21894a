// LitGPT: attention with one projection, perhaps with LoRA on some of its parts.

#include "layers/attention.hpp"
#include "layers/dense.hpp"
#include "layers/older_attention.hpp"
#include "layers/rotary.hpp"

namespace gpumem {
namespace {

void placed_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient of placed columns"); }

/// Columns put into a copy of zeros, by their numbers. Backward wants the columns for their shape alone, and keeps them.
/// Source: [litgpt] lit_gpt/lora.py LoRAQKVLinear.zero_pad; [pytorch-derivatives] index_copy
Value among_zeros(Machine& m, const Value& x, const Shape& shape) {
  const Value numbers = m.allocate({x->shape[-1]}, int64, "columns with adapters");
  const Value zeros = m.allocate(shape, x->format, "zeros");
  const Value columns = m.allocate(x->shape, x->format, "columns, side by side");
  Node* node = m.record(placed_backward, {&x});
  m.save(node, numbers);
  m.save(node, columns);
  Value out = m.allocate(shape, x->format, "columns among zeros");
  return m.bind(node, out);
}

/// One low-rank path for all adapted parts of queries, keys and values.
/// Source: [litgpt] lit_gpt/lora.py LoRAQKVLinear.forward, conv1d
Value adapted(Machine& m, const AttentionLayer& a, const Value& x, const Value& base) {
  const Adaptation& lora = *m.adaptation;
  double parts = 0, width = 0;
  const auto part = [&](const char* name, double heads) {
    if (!lora.adapts(name)) return;
    parts += 1;
    width += heads * a.head_dim;
  };
  part("q_proj", a.heads);
  part("k_proj", a.kv_heads);
  part("v_proj", a.kv_heads);
  if (parts == 0) return base;
  const Machine::Scope scope(m, "qkv_proj");
  const Value down = m.parameter("lora_A", {lora.rank * parts, x->shape[-1]}, lora.format, true);
  const Value up = m.parameter("lora_B", {width, lora.rank}, lora.format, true);
  Value low = m.linear(m.dropout(x, lora.dropout), down, {}, "lora_A");
  const Shape shape = {x->shape[0], x->shape[1], width};
  Value high = m.convolve(std::move(low), up, {}, shape, "lora_B");
  if (parts < 3) high = among_zeros(m, high, base->shape);
  return m.add(base, m.scale(std::move(high), "scaled lora"));
}

/// Source: [litgpt] lit_gpt/model.py apply_rope
Value turned(Machine& m, const Value& x, double dim, const RotaryTables& tables) {
  return m.cast(turn(m, m.slice(x, dim), tables), x->format);
}

}  // namespace

/// Source: [litgpt] lit_gpt/model.py CausalSelfAttention.forward
AttentionResult litgpt_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass) {
  const Machine::Scope scope(m, "self_attn");
  const double groups = a.heads / a.kv_heads, width = (a.heads + 2 * a.kv_heads) * a.head_dim;
  Value joint = dense(m, "qkv_proj", x, width, a.input_bias, false, Adaptation::Names::its_own);
  if (m.adaptation) joint = adapted(m, a, x, joint);
  Value query = m.pick(joint, {x->shape[0], a.heads, x->shape[1], a.head_dim});
  const Shape few = {x->shape[0], a.kv_heads, x->shape[1], a.head_dim};
  Value key = m.pick(joint, few), value = m.pick(joint, few);
  if (a.kv_heads > 1 && groups > 1) {
    query = m.copy(std::move(query), "queries side by side", Layout::head_major);
    key = m.repeat_heads(std::move(key), groups);
    value = m.repeat_heads(std::move(value), groups);
  }
  const RotaryTables& tables = pass.rotary_of(false);
  const Value query_turned = turned(m, query, a.rotary_dim, tables);
  const Value key_turned = turned(m, key, a.rotary_dim, tables);
  query = m.cat(query_turned, m.slice(query, a.head_dim - a.rotary_dim), "rotated query");
  key = m.cat(key_turned, m.slice(key, a.head_dim - a.rotary_dim), "rotated key");
  if (pass.cache) {
    KvCache::KeyValue all = pass.cache->update(m, key, value, 0);
    key = std::move(all.key), value = std::move(all.value);
  }
  AttentionLayer equal = a;
  equal.kv_heads = key->shape[1];
  AttentionResult result = attend(m, equal, pass, query, key, value);
  result.output = dense(m, "out_proj", result.output, x->shape[-1], a.output_bias);
  return result;
}

}  // namespace gpumem
