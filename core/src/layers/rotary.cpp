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
RotaryTables rotary_tables(Machine& m, const AttentionLayer& a, double length, const Format* format) {
  const double dim = a.rotary_dim;
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
  using Kind = AttentionLayer::RotaryFormat;
  const bool wide = a.rotary_format == Kind::wide_by_part || a.rotary_format == Kind::wide_tables;
  tables.cos = m.cast(cos, wide ? fp32 : format);
  tables.sin = m.cast(sin, wide ? fp32 : format);
  return tables;
}

namespace {

/// The columns of the first half, each twice: a copy of its own in every layer.
/// Source: [transformers] models/glm/modeling_glm.py apply_rotary_pos_emb
RotaryTables repeated(Machine& m, const RotaryTables& tables) {
  RotaryTables own;
  own.cos = m.allocate(tables.cos->shape, tables.cos->format, "cos, columns repeated");
  own.sin = m.allocate(tables.sin->shape, tables.sin->format, "sin, columns repeated");
  return own;
}

using Pair = std::pair<Value, Value>;

/// Queries and keys are widened first and narrowed last.
/// Source: [transformers] models/cohere/modeling_cohere.py apply_rotary_pos_emb
Pair turn_wide(Machine& m, const RotaryTables& tables, const Value& query, const Value& key) {
  const Value q = m.cast(query, fp32), k = m.cast(key, fp32);
  const Value q_turned = turn(m, q, tables), k_turned = turn(m, k, tables);
  Value q_narrow = m.cast(q_turned, query->format);
  return {std::move(q_narrow), m.cast(k_turned, key->format)};
}

/// Source: [transformers] models/ernie4_5/modeling_ernie4_5.py apply_rotary_pos_emb
Pair turn_by_part(Machine& m, const RotaryTables& tables, const Value& query, const Value& key) {
  const auto turned = [&](const Value& x) {
    Value straight = m.multiply(m.cast(x, fp32), tables.cos);
    Value across = m.multiply(m.cast(rotate_half(m, x), fp32), tables.sin);
    return m.add(std::move(straight), std::move(across));
  };
  const Value q = turned(query), k = turned(key);
  Value q_narrow = m.cast(q, query->format);
  return {std::move(q_narrow), m.cast(k, key->format)};
}

/// Source: [transformers] models/olmo/modeling_olmo.py apply_rotary_pos_emb
Pair turn_with_wide_tables(Machine& m, const RotaryTables& tables, const Value& query, const Value& key) {
  const Value q = turn(m, query, tables), k = turn(m, key, tables);
  Value q_narrow = m.cast(q, query->format);
  return {std::move(q_narrow), m.cast(k, key->format)};
}

/// Source: [transformers] models/modernbert/modeling_modernbert.py apply_rotary_pos_emb
Pair turn_by_operand(Machine& m, const RotaryTables& tables, const Value& query, const Value& key) {
  const auto turned = [&](const Value& x) {
    Value straight = m.multiply(m.cast(x, fp32), tables.cos);
    Value across = m.multiply(rotate_half(m, m.cast(x, fp32)), tables.sin);
    return m.add(std::move(straight), std::move(across));
  };
  const Value q = turned(query), k = turned(key);
  Value q_narrow = m.cast(q, query->format);
  return {std::move(q_narrow), m.cast(k, key->format)};
}

/// Source: [transformers] models/gpt_neox/modeling_gpt_neox.py and models/phi3/modeling_phi3.py apply_rotary_pos_emb
Pair turn_leading(Machine& m, const AttentionLayer& a, const RotaryTables& tables, const Value& query, const Value& key) {
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

}  // namespace

std::pair<Value, Value> rotate(Machine& m, const AttentionLayer& a, const RotaryTables& shared, const Value& query,
                               const Value& key) {
  const RotaryTables tables = a.rotary_repeated ? repeated(m, shared) : shared;
  if (a.rotary != AttentionLayer::Rotary::whole) return turn_leading(m, a, tables, query, key);
  switch (a.rotary_format) {
    case AttentionLayer::RotaryFormat::wide: return turn_wide(m, tables, query, key);
    case AttentionLayer::RotaryFormat::wide_by_part: return turn_by_part(m, tables, query, key);
    case AttentionLayer::RotaryFormat::wide_tables: return turn_with_wide_tables(m, tables, query, key);
    case AttentionLayer::RotaryFormat::wide_by_operand: return turn_by_operand(m, tables, query, key);
    case AttentionLayer::RotaryFormat::same: break;
  }
  Value q = turn(m, query, tables);
  Value k = turn(m, key, tables);
  return {std::move(q), std::move(k)};
}

}  // namespace gpumem
