#include "layers/rotary.hpp"

#include "machine/parts.hpp"

namespace gpumem {
namespace {

/// (−x₂, x₁) of the halves of x.
Value rotate_half(Machine& m, const Value& x) {
  const double half = x->shape[-1] / 2;
  const Value first = m.slice(x, half);
  const Value second = m.slice(x, half);
  return m.cat(m.negate(second), first, "rotated half");
}

}  // namespace

/// x·cos + rotate_half(x)·sin
/// Source: [transformers] models/llama/modeling_llama.py apply_rotary_pos_emb
Value turn(Machine& m, const Value& x, const RotaryTables& tables) {
  Value straight = m.multiply(x, tables.cos);
  Value turned = m.multiply(rotate_half(m, x), tables.sin);
  return m.add(std::move(straight), std::move(turned));
}

namespace {

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

/// Two parts turned against each other: (x₁·cos − x₂·sin, x₂·cos + x₁·sin)
/// Source: [transformers] models/gpt_oss/modeling_gpt_oss.py _apply_rotary_emb
Value turn_parts(Machine& m, const Value& first, const Value& second, const RotaryTables& tables) {
  const auto product = [&](const Value& x, const Value& table) { return m.multiply(x, table); };
  Value straight = product(first, tables.cos);
  const Value left = m.subtract(std::move(straight), product(second, tables.sin));
  straight = product(second, tables.cos);
  const Value right = m.add(std::move(straight), product(first, tables.sin));
  return m.cat(left, right, "rotated");
}

/// Source: [transformers] models/deepseek_v3/modeling_deepseek_v3.py apply_rotary_pos_emb_interleave
std::pair<Value, Value> turn_interleaved(Machine& m, const Value& query, const Value& key, const RotaryTables& tables) {
  const double half = query->shape[-1] / 2;
  const RotaryTables leading = {m.slice(tables.cos, half), m.slice(tables.sin, half)};
  const Value q1 = m.slice(query, half), q2 = m.slice(query, half);
  const Value k1 = m.slice(key, half), k2 = m.slice(key, half);
  Value q = turn_parts(m, q1, q2, leading);
  return {std::move(q), turn_parts(m, k1, k2, leading)};
}

Value turn_half_by_half(Machine& m, const Value& x, const RotaryTables& tables) {
  const auto halves = m.split(x, {x->shape[-1] / 2, x->shape[-1] / 2});
  return turn_parts(m, halves[0], halves[1], tables);
}

/// Source: [transformers] models/deepseek_v2/modeling_deepseek_v2.py apply_rotary_emb
std::pair<Value, Value> turn_complex(Machine& m, const Value& query, const Value& key, const RotaryTables& tables) {
  const Value q = m.cast(query, fp32), k = m.cast(key, fp32);
  Value q_turned = m.cast(m.multiply(q, tables.cos), query->format);
  return {std::move(q_turned), m.cast(m.multiply(k, tables.cos), key->format)};
}

}  // namespace

/// Positions are points of a grid, the same along each axis where there is only text: tables of every axis are made, and parts
/// of them put together, for each sequence.
/// Source: [transformers] models/qwen3_5/modeling_qwen3_5.py Qwen3_5TextRotaryEmbedding.forward
static RotaryTables grid_tables(Machine& m, const AttentionLayer& a, double sequences, double length, const Format* format) {
  constexpr double axes = 3;
  const Shape half = {axes, sequences, length, a.rotary_dim / 2}, table = {sequences, 1, length, a.rotary_dim};
  Value positions = m.allocate({axes, sequences, length}, fp32, "positions of each axis");
  const Value frequencies = m.allocate(half, fp32, "frequencies");
  positions.drop();
  const auto scaled = [&](const char* label) {
    const Value raw = m.allocate(half, fp32, label);
    return m.allocate(half, fp32, label);
  };
  Value cos = scaled("cos"), sin = scaled("sin");
  sin = m.allocate(table, fp32, "sin, put together");
  cos = m.allocate(table, fp32, "cos, put together");
  RotaryTables tables;
  tables.cos = m.cast(cos, format);
  tables.sin = m.cast(sin, format);
  return tables;
}

/// Source: [transformers] models/llama/modeling_llama.py LlamaRotaryEmbedding.forward,
/// models/gpt_oss/modeling_gpt_oss.py GptOssRotaryEmbedding.forward,
/// models/deepseek_v2/modeling_deepseek_v2.py DeepseekV2RotaryEmbedding.forward
RotaryTables rotary_tables(Machine& m, const AttentionLayer& a, double length, const Format* format, double rows) {
  double dim = a.rotary_dim;
  if (whole_engine && a.positions_on_grid) return grid_tables(m, a, rows, length, format);
  const Value frequencies = m.allocate({rows, length, dim / 2}, fp32, "frequencies");
  if (a.rotary == AttentionLayer::Rotary::complex) {
    const Value unit = m.allocate({1, length, dim}, fp32, "complex rotation");
    return {m.allocate({1, length, dim}, fp32, "complex rotation"), {}};
  }
  if (a.rotary == AttentionLayer::Rotary::halves) dim /= 2;
  const Shape table = {rows, length, dim};
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

/// Both back in the formats they came in, while their wide forms are still held.
Pair narrowed(Machine& m, const Value& q, const Value& k, const Value& query, const Value& key) {
  Value q_narrow = m.cast(q, query->format);
  return {std::move(q_narrow), m.cast(k, key->format)};
}

/// Queries and keys are widened first and narrowed last.
/// Source: [transformers] models/cohere/modeling_cohere.py apply_rotary_pos_emb
Pair turn_wide(Machine& m, const RotaryTables& tables, const Value& query, const Value& key) {
  const Value q = m.cast(query, fp32), k = m.cast(key, fp32);
  const Value q_turned = turn(m, q, tables), k_turned = turn(m, k, tables);
  return narrowed(m, q_turned, k_turned, query, key);
}

/// Source: [transformers] models/ernie4_5/modeling_ernie4_5.py apply_rotary_pos_emb
Pair turn_by_part(Machine& m, const RotaryTables& tables, const Value& query, const Value& key) {
  const auto turned = [&](const Value& x) {
    Value straight = m.multiply(m.cast(x, fp32), tables.cos);
    Value across = m.multiply(m.cast(rotate_half(m, x), fp32), tables.sin);
    return m.add(std::move(straight), std::move(across));
  };
  const Value q = turned(query), k = turned(key);
  return narrowed(m, q, k, query, key);
}

/// Source: [transformers] models/olmo/modeling_olmo.py apply_rotary_pos_emb
Pair turn_with_wide_tables(Machine& m, const RotaryTables& tables, const Value& query, const Value& key) {
  const Value q = turn(m, query, tables), k = turn(m, key, tables);
  return narrowed(m, q, k, query, key);
}

/// Source: [transformers] models/modernbert/modeling_modernbert.py apply_rotary_pos_emb
Pair turn_by_operand(Machine& m, const RotaryTables& tables, const Value& query, const Value& key) {
  const auto turned = [&](const Value& x) {
    Value straight = m.multiply(m.cast(x, fp32), tables.cos);
    Value across = m.multiply(rotate_half(m, m.cast(x, fp32)), tables.sin);
    return m.add(std::move(straight), std::move(across));
  };
  const Value q = turned(query), k = turned(key);
  return narrowed(m, q, k, query, key);
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

std::pair<Value, Value> turn_whole(Machine& m, const RotaryTables& tables, const Value& query, const Value& key) {
  if (m.fused.rotary) return {query, key};   // turned in place
  Value q = turn(m, query, tables);
  Value k = turn(m, key, tables);
  return {std::move(q), std::move(k)};
}

}  // namespace

std::pair<Value, Value> rotate(Machine& m, const AttentionLayer& a, const RotaryTables& shared, const Value& query,
                               const Value& key) {
  const RotaryTables tables = a.rotary_repeated ? repeated(m, shared) : shared;
  if (!whole_engine) return turn_whole(m, tables, query, key);
  switch (a.rotary) {
    case AttentionLayer::Rotary::complex: return turn_complex(m, query, key, tables);
    case AttentionLayer::Rotary::interleaved: return turn_interleaved(m, query, key, tables);
    case AttentionLayer::Rotary::halves: {
      Value q = turn_half_by_half(m, query, tables);
      return {std::move(q), turn_half_by_half(m, key, tables)};
    }
    case AttentionLayer::Rotary::whole: break;
    default: return turn_leading(m, a, tables, query, key);
  }
  switch (a.rotary_format) {
    case AttentionLayer::RotaryFormat::wide: return turn_wide(m, tables, query, key);
    case AttentionLayer::RotaryFormat::wide_by_part: return turn_by_part(m, tables, query, key);
    case AttentionLayer::RotaryFormat::wide_tables: return turn_with_wide_tables(m, tables, query, key);
    case AttentionLayer::RotaryFormat::wide_by_operand: return turn_by_operand(m, tables, query, key);
    case AttentionLayer::RotaryFormat::same: break;
  }
  return turn_whole(m, tables, query, key);
}

}  // namespace gpumem
