#include "layers/megatron/linears.hpp"

#include <algorithm>

namespace gpumem::megatron {
namespace {

Value scratch(Machine& m, const Shape& shape, const Format* format, const char* label) {
  return m.allocate(shape, format, label, Component::workspace);
}

Shape rows_of(const Shape& shape, double rows) { return {rows, shape[-1]}; }

/// The gradient of its input; its weight's is a row.
Value norm_gradient(Machine& m, Node& n) { return m.gradient_like(n, 0, "gradient of a norm"); }

/// Tokens of the input and of the gradient that the products need are gathered, and what they make is scattered again.
/// The weight's gradient goes into the main gradients.
/// Source: [transformer-engine] pytorch/module/linear.py _Linear.backward
void linear_backward(Machine& m, Node& n, Gradients& g) {
  const Shape& in = n.input[0].shape;
  const double rows = g.given[0]->shape[0];
  Value gathered;
  if (in[0] > rows) gathered = scratch(m, rows_of(g.given[0]->shape, in[0]), n.input[0].format, "gradient, gathered");
  if (in[0] < rows) gathered = scratch(m, rows_of(in, rows), n.input[0].format, "input, gathered");
  if (!n.wants(0)) return;
  Value made = m.allocate({std::max(in[0], rows), in[-1]}, n.input[0].format, "input gradient");
  if (in[0] < rows) g.made[0] = m.gradient_like(n, 0, "input gradient, scattered");
  else g.made[0] = std::move(made);
}

/// The norm's output goes when the weight's gradient is there. The whole product is held until the end.
/// Source: [transformer-engine] pytorch/module/layernorm_linear.py _LayerNormLinear.backward
void norm_linear_backward(Machine& m, Node& n, Gradients& g) {
  const Shape& in = n.input[0].shape;
  const double rows = g.given[0]->shape[0];
  Value scattered;
  Value gathered_input;
  if (in[0] < rows) gathered_input = scratch(m, rows_of(in, rows), n.input[0].format, "input, gathered");
  const Value made = m.allocate({rows, in[-1]}, n.input[0].format, "gradient of the norm's output");
  if (in[0] < rows) scattered = m.gradient_like(n, 0, "gradient of the norm's output, scattered");
  gathered_input.drop();
  n.saved[1].drop();
  g.made[0] = norm_gradient(m, n);
}

void norm_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = norm_gradient(m, n); }

void moved_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient, moved"); }

const Value& norm_weights(Machine& m, NormKind kind, double width, Value& held) {
  held = m.parameter("weight", {width});
  if (kind == NormKind::layer) m.parameter("bias", {width}).drop();
  return held;
}

bool counts_mean(NormKind kind) { return kind == NormKind::layer || kind == NormKind::layer_unbiased; }

}  // namespace

Value norm(Machine& m, const char* name, NormKind kind, Value x) {
  const Machine::Scope scope(m, name);
  const Value from = std::move(x);
  Value held;
  const Value& weight = norm_weights(m, kind, from->shape[-1], held);
  Node* node = m.record(norm_backward, {&from, &weight});
  m.save(node, from);
  Value out = m.allocate(from->shape, from->format, "normalised");
  m.save(node, m.allocate({from->shape[0]}, fp32, "1 / root mean square"));
  if (counts_mean(kind)) m.save(node, m.allocate({from->shape[0]}, fp32, "mean"));
  return m.bind(node, out);
}

Value linear(Machine& m, const Pass& pass, Value x, const Linear& layer) {
  const Machine::Scope scope(m, layer.name);
  const Value from = std::move(x);
  const double in = from->shape[-1];
  Value held;
  if (layer.norm) norm_weights(m, *layer.norm, in, held);
  const Value weight = m.parameter("weight", {layer.out, in});
  if (layer.bias) m.parameter("bias", {layer.out}).drop();
  pass.placeholders.note(layer.out, in);
  Node* node = m.record(layer.norm ? norm_linear_backward : linear_backward, {&from, &weight});
  m.save(node, from);
  Value used = from;
  if (layer.norm) {
    used = m.allocate(from->shape, from->format, "normalised");
    m.save(node, used);
    m.save(node, m.allocate({from->shape[0]}, fp32, "1 / root mean square"));
  }
  const bool gathers = layer.divided == Divided::outputs && layer.gathers && pass.share.sequence_parallel();
  Value gathered;
  if (gathers) gathered = scratch(m, rows_of(from->shape, pass.share.rows), from->format, "input, gathered");
  Value out = m.allocate({gathers ? pass.share.rows : from->shape[0], layer.out}, from->format, "output");
  gathered.drop();
  if (layer.divided == Divided::inputs && pass.share.sequence_parallel()) {
    Value scattered = m.allocate(rows_of(out->shape, pass.share.kept_rows), out->format, "output, scattered");
    out = std::move(scattered);
  }
  return m.bind(node, out);
}

/// Source: [transformer-engine] pytorch/module/grouped_linear.py _GroupedLinear
Value grouped_linear(Machine& m, const Pass& pass, Value x, const char* name, double out_width) {
  const Machine::Scope scope(m, name);
  const Value from = std::move(x);
  const double in = from->shape[-1];
  const Value weight = m.parameter("weight", {pass.share.dispatch.local_experts, out_width, in});
  pass.placeholders.note(out_width, in);
  Node* node = m.record(linear_backward, {&from, &weight});
  m.save(node, from);
  Value out = m.allocate({from->shape[0], out_width}, from->format, "output");
  return m.bind(node, out);
}

Value moved(Machine& m, Value x, const char* label) {
  const Shape shape = x->shape;
  return moved_to(m, std::move(x), shape, label);
}

Value moved_to(Machine& m, Value x, const Shape& shape, const char* label) {
  const Value from = std::move(x);
  Node* node = m.record(moved_backward, {&from});
  Value out = m.allocate(shape, from->format, label);
  return m.bind(node, out);
}

}  // namespace gpumem::megatron
