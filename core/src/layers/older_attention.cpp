#include "layers/older_attention.hpp"

#include "layers/dense.hpp"
#include "layers/disentangled.hpp"
#include "layers/mlp.hpp"
#include "layers/norms.hpp"
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
Value turn_pairs(Machine& m, const Value& x, const Shape& table, const Format* format) {
  RotaryTables own;
  own.sin = m.allocate(table, format, "sin, columns repeated");
  own.cos = m.allocate(table, format, "cos, columns repeated");
  return turn(m, x, own);
}

/// Probabilities in the values' format, times the values.
AttentionResult weigh(Machine& m, const AttentionLayer& a, Value weights, const Value& value) {
  weights = m.cast(weights, value->format);
  weights = m.dropout(weights, a.dropout);
  AttentionResult result;
  result.output = m.matmul(weights, value, "attention output");
  result.probabilities = std::move(weights);
  return result;
}

/// Source: [transformers] models/gptj/modeling_gptj.py GPTJAttention._attn
AttentionResult attend_in_fp32(Machine& m, const AttentionLayer& a, const Pass& pass, const Value& q, const Value& k, const Value& value) {
  const Value query = m.cast(q, fp32), key = m.cast(k, fp32);
  Value weights = m.matmul(query, across(m, key), "scores");
  weights = m.scale(weights, "scaled scores");
  if (pass.mask[0]) weights = m.add(weights, pass.mask[0]);
  weights = m.softmax(weights);
  return weigh(m, a, std::move(weights), value);
}

}  // namespace

/// Each layer looks its sines and cosines up in a table of its own.
/// Source: [transformers] models/gptj/modeling_gptj.py GPTJAttention.forward
static AttentionResult gptj_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass) {
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
  key_turned = turn_pairs(m, key_turned, table, key->format);
  query_turned = turn_pairs(m, query_turned, table, query->format);
  key = m.cat(key_turned, key_passed, "rotated key");
  query = m.cat(query_turned, query_passed, "rotated query");
  remember(m, pass, key, value);
  AttentionResult result = attend_in_fp32(m, a, pass, query, key, value);
  result.output = m.flatten_heads(std::move(result.output));
  result.output = dense(m, "out_proj", result.output, x->shape[-1], a.output_bias);
  result.output = m.dropout(result.output, a.output_dropout);
  return result;
}

namespace {

/// Columns of q, k and v lie apart by quarters of the heads: a copy, unless each quarter is one head.
/// Source: [transformers] models/codegen/modeling_codegen.py CodeGenAttention.forward, mp_num
Value quarters_joined(Machine& m, const Value& x, double heads) {
  Value by_head = m.heads(x, heads);
  return heads > 4 ? m.copy(std::move(by_head), "quarters joined", Layout::token_major) : by_head;
}

/// Source: [transformers] models/codegen/modeling_codegen.py CodeGenAttention._attn
AttentionResult codegen_attend(Machine& m, const AttentionLayer& a, const Pass& pass, const Value& q, const Value& k, const Value& value) {
  const Value query = m.cast(q, fp32), key = m.cast(k, fp32);
  Value weights = m.matmul(query, across(m, key), "scores");
  if (pass.mask[0]) weights = m.add(weights, pass.mask[0]);
  weights = m.scale(weights, "scaled scores");
  weights = m.softmax(m.widen(weights));
  return weigh(m, a, std::move(weights), value);
}

/// Pairs are turned in fp32, whatever the format, by rows of a table that each layer has.
/// Source: [transformers] models/codegen/modeling_codegen.py CodeGenAttention.forward
AttentionResult codegen_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass) {
  const Machine::Scope scope(m, "self_attn");
  const double width = a.heads * a.head_dim, passed = a.head_dim - a.rotary_dim;
  const Value fused = dense(m, "qkv_proj", x, 3 * width, a.input_bias);
  const auto parts = m.split(fused, {width, width, width});
  Value query = quarters_joined(m, parts[0], a.heads), key = quarters_joined(m, parts[2], a.heads);
  Value value = quarters_joined(m, parts[1], a.heads);
  const Shape table = {1, pass.tokens, a.rotary_dim};
  const Value rows = m.allocate(table, fp32, "sinusoids");
  Value key_turned = m.slice(key, a.rotary_dim);
  const Value key_passed = m.slice(key, passed);
  Value query_turned = m.slice(query, a.rotary_dim);
  const Value query_passed = m.slice(query, passed);
  key_turned = turn_pairs(m, key_turned, table, fp32);
  query_turned = turn_pairs(m, query_turned, table, fp32);
  const auto glued = [&](const Value& turned, const Value& rest, const char* label) {
    Value out = m.cat(turned, rest, label);
    out->layout = Layout::token_major;
    return out;
  };
  key = glued(key_turned, key_passed, "rotated key");
  query = glued(query_turned, query_passed, "rotated query");
  if (pass.cache) {
    key = m.cast(key, value->format);
    remember(m, pass, key, value);
  }
  AttentionResult result = codegen_attend(m, a, pass, query, key, value);
  result.output = m.flatten_heads(std::move(result.output));
  result.output = m.dropout(dense(m, "out_proj", result.output, x->shape[-1], a.output_bias), a.output_dropout);
  return result;
}

/// What a query may see is written over the scores before the mask is added to them.
/// Source: [transformers] models/gpt_neo/modeling_gpt_neo.py GPTNeoSelfAttention._attn
AttentionResult gpt_neo_eager(Machine& m, const AttentionLayer& a, const Pass& pass, const Value& q, const Value& k, const Value& value) {
  const Value query = m.cast(q, fp32), key = m.cast(k, fp32);
  Value weights = m.matmul(query, across(m, key), "scores");
  const Value lowest = m.allocate({1}, weights->format, "lowest number");
  weights = m.where(m.allocate({0}, byte_flag, "part of the layer's own mask"), weights);
  if (pass.mask[0]) weights = m.add(weights, pass.mask[0]);
  weights = m.softmax(m.widen(weights));
  return weigh(m, a, std::move(weights), value);
}

/// Source: [transformers] models/gpt_neo/modeling_gpt_neo.py GPTNeoSelfAttention.forward, GPTNeoFlashAttention2.forward
AttentionResult gpt_neo_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass) {
  const Machine::Scope scope(m, "self_attn");
  const double width = a.heads * a.head_dim;
  Value query = m.heads(dense(m, "q_proj", x, width, a.input_bias), a.heads);
  Value key = m.heads(dense(m, "k_proj", x, width, a.input_bias), a.heads);
  Value value = m.heads(dense(m, "v_proj", x, width, a.input_bias), a.heads);
  remember(m, pass, key, value);
  const bool fused = pass.kernel == AttentionKernel::flash;
  AttentionResult result = fused ? attend(m, a, pass, query, key, value) : gpt_neo_eager(m, a, pass, query, key, value);
  if (!fused) result.output = m.flatten_heads(std::move(result.output));
  result.output = dense(m, "out_proj", result.output, x->shape[-1], a.output_bias);
  result.output = m.dropout(result.output, a.output_dropout);
  return result;
}

/// Source: [transformers] models/mpt/modeling_mpt.py MptAttention.forward
AttentionResult mpt_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass) {
  const Machine::Scope scope(m, "self_attn");
  const double width = a.heads * a.head_dim;
  Value fused = dense(m, "qkv_proj", x, 3 * width, a.input_bias);
  if (a.clipped) fused = m.clamp(fused);
  const auto parts = m.split(fused, {width, width, width});
  const Value query = m.heads(parts[0], a.heads);
  Value key = m.heads(parts[1], a.heads), value = m.heads(parts[2], a.heads);
  remember(m, pass, key, value);
  Value scores = m.scale(m.matmul(query, across(m, key), "scores"), "scaled scores");
  scores = m.add(scores, m.view(pass.bias, {a.heads, 1, scores->shape[3]}));
  if (pass.mask[0]) scores = m.mask_out(scores, pass.mask[0]);
  scores->layout = Layout::head_major;
  AttentionResult result;
  result.probabilities = m.cast(m.softmax(m.cast(scores, fp32)), value->format);
  result.probabilities = m.dropout(result.probabilities, a.dropout);
  result.output = m.flatten_heads(m.matmul(result.probabilities, value, "attention output"));
  result.output = dense(m, "out_proj", result.output, x->shape[-1], a.output_bias);
  return result;
}

/// Source: [transformers] models/xglm/modeling_xglm.py XGLMAttention.forward
AttentionResult xglm_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass) {
  const Machine::Scope scope(m, "self_attn");
  const double width = a.heads * a.head_dim;
  Value query = m.scale(dense(m, "q_proj", x, width, a.input_bias), "scaled query");
  Value key = m.heads(dense(m, "k_proj", x, width, a.input_bias), a.heads);
  Value value = m.heads(dense(m, "v_proj", x, width, a.input_bias), a.heads);
  remember(m, pass, key, value);
  query = merged(m, m.heads(query, a.heads));
  key = merged(m, std::move(key));
  value = merged(m, std::move(value));
  Value weights = m.matmul(query, across(m, key), "scores");
  if (pass.mask[0]) {
    weights = m.add(weights, pass.mask[0]);
    weights = m.at_least(weights);
  }
  weights = m.softmax(m.widen(weights));
  AttentionResult result;
  const Value dropped = m.dropout(weights, a.dropout);
  result.output = m.flatten_heads(m.matmul(dropped, value, "attention output"));
  result.output = dense(m, "out_proj", result.output, x->shape[-1], a.output_bias);
  result.probabilities = std::move(weights);
  return result;
}

}  // namespace

AttentionResult own_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass) {
  switch (a.form) {
    case AttentionLayer::Form::disentangled: return disentangled_attention(m, a, x, pass);
    case AttentionLayer::Form::gpt_neo: return gpt_neo_attention(m, a, x, pass);
    case AttentionLayer::Form::codegen: return codegen_attention(m, a, x, pass);
    case AttentionLayer::Form::xglm: return xglm_attention(m, a, x, pass);
    case AttentionLayer::Form::litgpt: return litgpt_attention(m, a, x, pass);
    case AttentionLayer::Form::mpt: return mpt_attention(m, a, x, pass);
    default: return gptj_attention(m, a, x, pass);
  }
}

/// Source: [transformers] models/mpt/modeling_mpt.py MptBlock.forward, MptMLP.forward
Value mpt_layer(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass) {
  Value normed = normalise(m, "norm_1", l.norm, x);
  AttentionResult attended = own_attention(m, l.attention, normed, pass);
  const Value hidden = m.add(m.dropout(attended.output, l.dropout), x);
  normed = normalise(m, "norm_2", l.norm, hidden);
  const Value inner = mlp_inner(m, l.mlp, normed);
  const Value fed = mlp_outer(m, l.mlp, inner, x->shape[-1]);
  Value out = m.dropout(fed, l.dropout);
  out = m.add(std::move(out), hidden);
  if (pass.returned) *pass.returned = std::move(attended.probabilities);
  return out;
}

}  // namespace gpumem
