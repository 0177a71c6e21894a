#include "layers/older_attention.hpp"

#include "layers/dense.hpp"
#include "layers/rotary.hpp"

namespace gpumem {
namespace {

/// Sequences and heads become one extent: a copy, unless they lie so or there is one of either.
Value merged(Machine& m, Value x) {
  const bool lies_so = x->layout == Layout::head_major || x->shape[0] == 1 || x->shape[2] == 1;
  return lies_so ? x : m.copy(std::move(x), "sequences and heads merged", Layout::head_major);
}

Value across(Machine& m, const Value& x) { return m.view(x, {x->shape[0], x->shape[1], x->shape[3], x->shape[2]}); }

void remember(Machine& m, const Pass& pass, Value& key, Value& value) {
  if (!pass.cache) return;
  KvCache::KeyValue all = pass.cache->update(m, key, value, 0);
  key = std::move(all.key);
  value = std::move(all.value);
}

}  // namespace

/// Source: [transformers] models/bloom/modeling_bloom.py BloomAttention.forward, dropout_add
AttentionResult bloom_attention(Machine& m, const AttentionLayer& a, const Value& x, const Value& residual, const Pass& pass) {
  const Machine::Scope scope(m, "self_attn");
  const double width = a.heads * a.head_dim;
  const Value fused = dense(m, "qkv_proj", x, 3 * width, true);
  Value query = m.heads(m.slice(fused, width), a.heads);
  Value key = m.heads(m.slice(fused, width), a.heads);
  Value value = m.heads(m.slice(fused, width), a.heads);
  remember(m, pass, key, value);
  query = merged(m, std::move(query));
  key = merged(m, std::move(key));
  value = merged(m, std::move(value));
  const Value scores = m.matmul(query, across(m, key), "scores");
  const Value weights = pass.mask[0] ? m.add(scores, pass.mask[0]) : scores;
  AttentionResult result;
  result.probabilities = m.cast(m.softmax(m.cast(weights, fp32)), query->format);
  result.probabilities = m.dropout(result.probabilities, a.dropout);
  Value context = m.matmul(result.probabilities, value, "attention output");
  context = m.flatten_heads(std::move(context));
  Value output = dense(m, "out_proj", context, x->shape[-1], true);
  output = m.dropout(output, a.output_dropout);
  result.output = m.add(residual, output);
  return result;
}

namespace {

/// Columns in pairs, turned by sines and cosines whose columns are repeated for each call.
/// Source: [transformers] models/gptj/modeling_gptj.py apply_rotary_pos_emb
Value turn_pairs(Machine& m, const Value& x, const Shape& table) {
  RotaryTables own;
  own.sin = m.allocate(table, x->format, "sin, columns repeated");
  own.cos = m.allocate(table, x->format, "cos, columns repeated");
  return turn(m, x, own);
}

/// Source: [transformers] models/gptj/modeling_gptj.py GPTJAttention._attn
AttentionResult attend_in_fp32(Machine& m, const AttentionLayer& a, const Pass& pass, const Value& q, const Value& k, const Value& value) {
  const Value query = m.cast(q, fp32), key = m.cast(k, fp32);
  Value weights = m.matmul(query, across(m, key), "scores");
  weights = m.scale(weights, "scaled scores");
  if (pass.mask[0]) weights = m.add(weights, pass.mask[0]);
  weights = m.softmax(weights);
  weights = m.cast(weights, value->format);
  weights = m.dropout(weights, a.dropout);
  AttentionResult result;
  result.output = m.matmul(weights, value, "attention output");
  result.probabilities = std::move(weights);
  return result;
}

}  // namespace

/// Each layer looks its sines and cosines up in a table of its own.
/// Source: [transformers] models/gptj/modeling_gptj.py GPTJAttention.forward
AttentionResult gptj_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass) {
  const Machine::Scope scope(m, "self_attn");
  const double width = a.heads * a.head_dim, passed = a.head_dim - a.rotary_dim;
  Value query = m.heads(dense(m, "q_proj", x, width, a.input_bias), a.heads);
  Value key = m.heads(dense(m, "k_proj", x, width, a.input_bias), a.heads);
  Value value = m.heads(dense(m, "v_proj", x, width, a.input_bias), a.heads);
  const Shape table = {1, pass.tokens, a.rotary_dim};
  const Value all_rows = m.allocate({1, a.position_rows, a.rotary_dim}, fp32, "sinusoids, repeated");
  const Value numbers = m.allocate(table, int64, "position of each column");
  const Value rows = m.cast(m.allocate(table, fp32, "sinusoids"), key->format);
  Value key_turned = m.slice(key, a.rotary_dim);
  const Value key_passed = m.slice(key, passed);
  Value query_turned = m.slice(query, a.rotary_dim);
  const Value query_passed = m.slice(query, passed);
  key_turned = turn_pairs(m, key_turned, table);
  query_turned = turn_pairs(m, query_turned, table);
  key = m.cat(key_turned, key_passed, "rotated key");
  query = m.cat(query_turned, query_passed, "rotated query");
  remember(m, pass, key, value);
  AttentionResult result = attend_in_fp32(m, a, pass, query, key, value);
  result.output = m.flatten_heads(std::move(result.output));
  result.output = dense(m, "out_proj", result.output, x->shape[-1], a.output_bias);
  result.output = m.dropout(result.output, a.output_dropout);
  return result;
}

/// Source: [transformers] models/bloom/modeling_bloom.py BloomModel.forward
Value linear_biases(Machine& m, const Pass& pass, double heads, const Format* format) {
  const double keys = pass.cache ? pass.cache->keys_met(pass.past, pass.tokens, 0) : pass.tokens;
  Value distances = m.allocate({keys}, int64, "distances");
  Value biases = m.allocate({heads, 1, keys}, fp32, "linear biases");
  distances.drop();
  Value repeated = m.allocate({pass.sequences * heads, 1, keys}, fp32, "linear biases, repeated");
  return m.cast(std::move(repeated), format);
}

}  // namespace gpumem
