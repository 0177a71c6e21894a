#include "layers/rotary.hpp"

namespace gpumem {
namespace {

/// (−x₂, x₁) of the halves of x.
Value rotate_half(Machine& m, const Value& x) {
  const double half = x->shape[-1] / 2;
  const Value first = m.slice(x, half);
  const Value second = m.slice(x, half);
  return m.cat(m.negate(second), first, "rotated half");
}

/// x·cos + rotate_half(x)·sin
/// Source: [transformers] models/llama/modeling_llama.py apply_rotary_pos_emb
Value turn(Machine& m, const Value& x, const RotaryTables& tables) {
  Value straight = m.multiply(x, tables.cos);
  Value turned = m.multiply(rotate_half(m, x), tables.sin);
  return m.add(std::move(straight), std::move(turned));
}

struct Parts2 {
  Value turned, passed;
};

/// The leading part that is turned and the rest that is not; a part that is the whole is no slice.
Parts2 lead(Machine& m, const Value& x, double dim) {
  Parts2 parts;
  parts.turned = dim == x->shape[-1] ? x : m.slice(x, dim);
  parts.passed = m.slice(x, x->shape[-1] - dim);
  return parts;
}

}  // namespace

/// Source: [transformers] models/llama/modeling_llama.py LlamaRotaryEmbedding.forward
RotaryTables rotary_tables(Machine& m, double length, double dim, const Format* format) {
  const Shape table = {1, length, dim};
  Value frequencies = m.allocate({1, length, dim / 2}, fp32, "frequencies");
  const Value angles = m.allocate(table, fp32, "angles");
  const auto scaled = [&](const char* label) {
    const Value raw = m.allocate(table, fp32, label);
    return m.allocate(table, fp32, label);
  };
  const Value cos = scaled("cos");
  const Value sin = scaled("sin");
  RotaryTables tables;
  tables.cos = m.cast(cos, format);
  tables.sin = m.cast(sin, format);
  return tables;
}

/// Source: [transformers] models/gpt_neox/modeling_gpt_neox.py and models/phi3/modeling_phi3.py apply_rotary_pos_emb
std::pair<Value, Value> rotate(Machine& m, const AttentionLayer& a, const RotaryTables& tables, const Value& query,
                               const Value& key) {
  if (a.rotary == AttentionLayer::Rotary::whole) {
    Value q = turn(m, query, tables);
    Value k = turn(m, key, tables);
    return {std::move(q), std::move(k)};
  }
  const Parts2 q = lead(m, query, a.rotary_dim);
  const Parts2 k = lead(m, key, a.rotary_dim);
  if (a.rotary == AttentionLayer::Rotary::glued_one_by_one) {
    Value q_glued = m.cat(turn(m, q.turned, tables), q.passed, "rotated query");
    Value k_glued = m.cat(turn(m, k.turned, tables), k.passed, "rotated key");
    return {std::move(q_glued), std::move(k_glued)};
  }
  Value q_turned = turn(m, q.turned, tables);
  Value k_turned = turn(m, k.turned, tables);
  q_turned = m.cat(q_turned, q.passed, "rotated query");
  k_turned = m.cat(k_turned, k.passed, "rotated key");
  return {std::move(q_turned), std::move(k_turned)};
}

}  // namespace gpumem
