// Layers in which queries and outputs of attention come from experts too, each run on its part of the sorted tokens.
// Source: [transformers] models/jetmoe/modeling_jetmoe.py

#include "layers/glue.hpp"
#include "layers/mixture_layer.hpp"

#include <cmath>

#include "layers/attention.hpp"
#include "layers/dense.hpp"
#include "layers/mlp.hpp"
#include "layers/norms.hpp"
#include "layers/rotary.hpp"

namespace gpumem {
namespace {

/// How tokens are sorted by expert: held until their outputs are merged.
struct Sorting {
  Value order, token, weights, logits;
};

/// Source: [transformers] models/jetmoe/modeling_jetmoe.py JetMoeTopKGating.forward
Sorting sort_by_expert(Machine& m, const ExpertsLayer& l, const Value& rows) {
  const Machine::Scope scope(m, "router");
  const double tokens_here = rows->shape[0], chosen = tokens_here * l.top;
  Sorting s;
  s.logits = m.cast(m.linear(rows, m.parameter("layer.weight", {l.experts, rows->shape[1]}), {}, "logits"), fp32);
  const Machine::Top top = m.top(s.logits, l.top);
  const Value gates = m.cast(m.softmax(top.values), rows->format);
  const Value zeros = m.allocate({tokens_here, l.experts}, gates->format, "zeros");
  const Value marks = m.allocate({tokens_here, l.experts}, gates->format, "marks");
  m.allocate({tokens_here, l.experts}, int64, "marks as numbers").drop();
  const Value sorted = m.allocate({chosen}, int64, "experts, sorted");
  s.order = m.allocate({chosen}, int64, "order by expert");
  s.token = m.allocate({chosen}, int64, "tokens by expert");
  s.weights = m.take_rows(m.view(gates, {chosen, 1}), s.order);
  return s;
}

/// Each expert's gradient lies among zeros as large as the weights of all. Tokens are shared out evenly.
/// Source: [transformers] models/jetmoe/modeling_jetmoe.py JetMoeParallelExperts.forward
Value by_parts(Machine& m, const ExpertsLayer& l, const char* name, const Value& x, double width) {
  const Machine::Scope scope(m, name);
  const double chosen = x->shape[0], in = x->shape[1];
  const Value weight = m.parameter("weight", {l.experts, width, in});
  m.parameters[weight->parameter].used = l.top / l.experts;
  std::vector<Value> outputs;
  double given = 0;
  for (double i = 1; i <= l.experts; ++i) {
    const double upto = std::floor(chosen * i / l.experts), taken = upto - given;
    given = upto;
    const Value part = m.view(x, {taken, in});
    outputs.push_back(m.contract(part, m.pick(weight, {width, in}), {taken, width}, name));
  }
  return glue(m, outputs, {chosen, width}, "outputs of experts");
}

/// Rows added to zeros where they belong, as a new tensor.
Value merged(Machine& m, const Value& rows, const Value& numbers, double count) {
  const Shape shape = {count, rows->shape[1]};
  const Value zeros = m.allocate(shape, rows->format, "zeros");
  return m.add_rows(m.allocate(shape, rows->format, "merged"), rows, numbers);
}

Value weighted(Machine& m, Value outputs, const Sorting& s, const Shape& shape) {
  const Value scaled = m.multiply(std::move(outputs), s.weights);
  const Shape all = {shape[0] * shape[1], shape[2]};
  const Value zeros = m.allocate(all, scaled->format, "zeros");   // held until this returns
  Value sum = m.view(m.add_rows(m.allocate(all, scaled->format, "merged"), scaled, s.token), shape);
  return m.add(std::move(sum), m.parameter("bias", {shape[2]}));
}

/// Source: [transformers] models/jetmoe/modeling_jetmoe.py JetMoeAttention.forward
AttentionResult attend_by_experts(Machine& m, const AttentionLayer& a, const ExpertsLayer& l, const Value& x, const Pass& pass) {
  const Machine::Scope scope(m, "self_attention");
  const double b = x->shape[0], s = x->shape[1], width = a.kv_heads * a.head_dim, count = b * s, chosen = count * l.top;
  const Value rows = m.view(x, {count, x->shape[2]});
  const Sorting sorting = sort_by_expert(m, l, rows);
  Value query = [&] {
    const Value inputs = m.take_rows(rows, sorting.token);
    const Value outputs = by_parts(m, l, "input_linear", inputs, width);
    return merged(m, outputs, sorting.order, chosen);
  }();
  auto halves = m.split(dense(m, "kv_proj", x, 2 * width, false), {width, width});
  query = m.heads(m.view(query, {b, s, l.top * width}), a.heads);
  Value key = m.heads(halves[0], a.kv_heads), value = m.heads(halves[1], a.kv_heads);
  halves.clear();
  auto turned = rotate(m, a, pass.rotary_of(false), query, key);
  query = std::move(turned.first), key = std::move(turned.second);
  if (pass.cache) {
    KvCache::KeyValue all = pass.cache->update(m, key, value, 0);
    key = std::move(all.key), value = std::move(all.value);
  }
  const auto repeated = [&](const Value& one) {
    const Shape shape = {b, a.heads, one->shape[2], a.head_dim};
    Value copy = m.pad(one, shape, "repeated heads");
    copy->layout = Layout::head_major;
    return copy;
  };
  key = repeated(key);
  value = repeated(value);
  AttentionLayer alone = a;
  alone.kv_heads = a.heads;
  AttentionResult result = attend(m, alone, pass, query, key, value);
  const Value inputs = m.take_rows(m.view(result.output, {chosen, width}), sorting.order);
  result.output = weighted(m, by_parts(m, l, "output_linear", inputs, x->shape[2]), sorting, x->shape);
  result.context = sorting.logits;   // given back last: what its layer holds, and not the probabilities
  result.probabilities.drop();
  return result;
}

/// Source: [transformers] models/jetmoe/modeling_jetmoe.py JetMoeMoE.forward
Value feed_by_experts(Machine& m, const ExpertsLayer& l, const Value& x) {
  const Machine::Scope scope(m, "mlp");
  const Value rows = m.view(x, {x->shape[0] * x->shape[1], x->shape[2]});
  const Sorting sorting = sort_by_expert(m, l, rows);
  const Value inputs = m.take_rows(rows, sorting.token);
  const auto halves = m.split(by_parts(m, l, "input_linear", inputs, 2 * l.width), {l.width, l.width});
  const Value hidden = m.multiply(activate(m, l.activation, halves[0]), halves[1]);
  return weighted(m, by_parts(m, l, "output_linear", hidden, x->shape[2]), sorting, x->shape);
}

}  // namespace

/// Source: [transformers] models/jetmoe/modeling_jetmoe.py JetMoeDecoderLayer.forward
Value mixture_layer(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass) {
  Value residual = x;
  Value hidden = normalise(m, "input_layernorm", l.norm, x);
  AttentionResult attended = attend_by_experts(m, l.attention, *l.experts, hidden, pass);
  hidden = std::move(attended.output);
  hidden = m.add(residual, hidden);
  residual = hidden;
  hidden = normalise(m, "post_attention_layernorm", l.norm, hidden);
  hidden = feed_by_experts(m, *l.experts, hidden);
  return m.add(residual, hidden);
}

}  // namespace gpumem
