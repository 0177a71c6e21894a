// Matrix products and table look-ups.
// Source: [pytorch-derivatives] mm, addmm, bmm, embedding

#include "machine/machine.hpp"

namespace gpumem {
namespace {

Value flat_gradient(Machine& m, Value& given) {
  if (given->layout == Layout::token_major) return given;
  Value copied = m.allocate(given->shape, given->format, "gradient, contiguous", Component::activations);
  given.drop();
  return copied;
}

/// The weight's gradient comes before the input's.
void linear_backward(Machine& m, Node& n, Gradients& g) {
  g.given[0] = flat_gradient(m, g.given[0]);
  if (n.wants(1)) g.made[1] = m.gradient_like(n, 1, "weight gradient");
  if (n.wants(0)) g.made[0] = m.gradient_like(n, 0, "input gradient", Layout::token_major);
  if (n.wants(2)) g.made[2] = m.gradient_like(n, 2, "bias gradient");
}

/// addmm: the bias first, then the first operand, then the second.
void biased_backward(Machine& m, Node& n, Gradients& g) {
  g.given[0] = flat_gradient(m, g.given[0]);
  if (n.wants(2)) g.made[2] = m.gradient_like(n, 2, "bias gradient");
  if (n.wants(0)) g.made[0] = m.gradient_like(n, 0, "input gradient", Layout::token_major);
  if (n.wants(1)) g.made[1] = m.gradient_like(n, 1, "weight gradient");
}

void matmul_backward(Machine& m, Node& n, Gradients& g) {
  if (g.given[0]->layout == Layout::token_major && g.given[0]->shape[0] > 1) {
    Value copied = m.allocate(g.given[0]->shape, g.given[0]->format, "gradient, contiguous", Component::activations);
    g.given[0] = std::move(copied);
  }
  if (n.wants(1)) g.made[1] = m.gradient_like(n, 1, "gradient", Layout::head_major);
  if (n.wants(0)) g.made[0] = m.gradient_like(n, 0, "gradient", Layout::head_major);
}

void convolution_backward(Machine& m, Node& n, Gradients& g) {
  for (int i = 0; i < 3; ++i)
    if (n.wants(i)) g.made[static_cast<std::size_t>(i)] = m.gradient_like(n, i, "gradient of a convolution");
}

void embedding_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "table gradient"); }

}  // namespace

/// x [..., in] times weight [out, in] (or [in, out] if transposed), plus bias [out] if there is one.
Value Machine::linear(Value x, Value weight, Value bias, const char* label, bool transposed) {
  const double width = transposed ? weight->shape[1] : weight->shape[0];
  const Value b = bias ? lower(std::move(bias)) : Value();
  const Value w = lower(std::move(weight));
  const Value from = lower(std::move(x));
  Node* node = record(b ? biased_backward : linear_backward, {&from, &w, &b});
  if (node && node->wants(1)) save(node, from);
  if (node && node->wants(0)) save(node, w);
  Value out = costly(from->shape.with_last(width), from->format, label, !b);
  return bind(node, out);
}

/// Scales come back to fp32 first, then the weight; both go when the product is there. Only the packed weight is kept,
/// and the backward unpacks it once more. Until 0.43.1 `ctx.tensors` had the input too; from 0.43.2 on it is (None, B).
/// Source: [bitsandbytes] autograd/_functions.py MatMul4Bit, functional.py dequantize_4bit
/// Lightning packs weights that were fp16, which is the format they come back in first.
/// Source: [lightning-fabric] lightning/fabric/plugins/precision/bitsandbytes.py _NF4Linear.quantize
static Value unpack(Machine& m, const Shape& weight, const Format* format) {
  if (m.unpacked_first && m.unpacked_first != format) {
    const Value first = m.allocate(weight, m.unpacked_first, "weight, unpacked", Component::workspace);
    return m.allocate(weight, format, "weight, unpacked and cast", Component::workspace);
  }
  const Value scales = m.allocate({std::ceil(in(elements, weight.count()) / 64)}, fp32, "scales, unpacked", Component::workspace);
  return m.allocate(weight, format, "weight, unpacked", Component::workspace);
}

static void unpacked_backward(Machine& m, Node& n, Gradients& g) {
  if (!n.wants(0)) return;
  const Value weight = unpack(m, {n.output[0].shape[-1], n.input[0].shape[-1]}, g.given[0]->format);
  g.made[0] = m.gradient_like(n, 0, "input gradient", Layout::token_major);
}

Value Machine::linear_unpacked(Value x, Value bias, double width, const char* label) {
  const Value from = std::move(x), b = std::move(bias);
  Node* node = record(unpacked_backward, {&from});
  if (packed_inputs_kept) save(node, from);   // bitsandbytes up to 0.43.1 does, and does not look at it again
  const Value weight = unpack(*this, {width, from->shape[-1]}, from->format);
  Value out = allocate(from->shape.with_last(width), from->format, label);
  return bind(node, out);
}

/// a [b, heads, n, k] times b [b, heads, k, m]. Operands whose heads are not contiguous are copied if there is more
/// than one sequence: they have to become one batch.
Value Machine::matmul(Value x, Value y, const char* label) {
  Value a = lower(std::move(x)), b = lower(std::move(y));
  const auto contiguous = [this](Value& v) {
    if (v->layout == Layout::token_major && v->shape[0] > 1) v = copy(std::move(v), "contiguous", Layout::head_major);
  };
  contiguous(a);
  contiguous(b);
  Node* node = record(matmul_backward, {&a, &b});
  if (node && node->wants(1)) save(node, a);
  if (node && node->wants(0)) save(node, b);
  Value out = costly(a->shape.with_last(b->shape[-1]), a->format, label);
  out->layout = Layout::head_major;
  return bind(node, out);
}

/// Source: [pytorch-derivatives] convolution_overrideable
Value Machine::convolve(Value x, Value weight, Value bias, const Shape& shape, const char* label) {
  const Value from = lower(std::move(x)), w = lower(std::move(weight));
  const Value b = bias ? lower(std::move(bias)) : Value();
  Node* node = record(convolution_backward, {&from, &w, &b});
  save(node, from);
  save(node, w);
  Value out = costly(shape, from->format, label);
  return bind(node, out);
}

/// ids [b, s] into table [rows, width].
Value Machine::embedding(Value ids, Value table, const char* label) {
  const Value from = std::move(table), indices = std::move(ids);
  Node* node = record(embedding_backward, {&from});
  save(node, indices);
  Shape shape = indices->shape;
  shape.extent[static_cast<std::size_t>(shape.rank++)] = from->shape[1];
  Value out = allocate(shape, from->format, label);
  return bind(node, out);
}

}  // namespace gpumem
