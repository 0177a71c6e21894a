// Normalising operations with a kernel of their own.
// Source: [pytorch-derivatives] _softmax, native_layer_norm

#include "machine/machine.hpp"

namespace gpumem {
namespace {

void softmax_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient of softmax"); }

void layer_norm_backward(Machine& m, Node& n, Gradients& g) {
  // Rows come out one behind the other, however they lay.
  const Layout layout = n.input[0].shape.rank == 3 ? Layout::token_major : n.input[0].layout;
  if (n.wants(0)) g.made[0] = m.gradient_like(n, 0, "gradient of layer norm", layout);
  for (int i = 1; i < 3; ++i)
    if (n.wants(i)) g.made[static_cast<std::size_t>(i)] = m.gradient_like(n, i, "gradient of layer norm");
}

/// The gradient is written over the one that arrived.
void rms_norm_backward(Machine& m, Node& n, Gradients& g) {
  if (n.wants(1)) g.made[1] = m.gradient_like(n, 1, "weight gradient");
  g.made[0] = g.given[0];
}

}  // namespace

/// Saves its input and the reciprocal root of each row, fp32.
/// Source: [liger-kernel] ops/rms_norm.py LigerRMSNormFunction
Value Machine::rms_norm(Value x, Value weight) {
  const Value from = std::move(x), w = std::move(weight);
  Node* node = record(rms_norm_backward, {&from, &w});
  save(node, from);
  Value out = allocate(from->shape, from->format, "norm");
  save(node, allocate(from->shape.with_last(1), fp32, "1/root"));
  return bind(node, out);
}

Value Machine::softmax(Value x) {
  Value from = std::move(x);
  Node* node = record(softmax_backward, {&from});
  Value out = allocate(from->shape, from->format, "softmax");
  out->layout = from->layout;
  save(node, out);
  return bind(node, out);
}

/// Weight and bias may be missing. Saves its input, the mean and the reciprocal deviation of each row, both fp32.
Value Machine::layer_norm(Value x, Value weight, Value bias) {
  Value from = widen(std::move(x));
  const Value w = weight ? widen(std::move(weight)) : Value(), b = bias ? widen(std::move(bias)) : Value();
  Node* node = record(layer_norm_backward, {&from, &w, &b});
  save(node, from);
  if (w) save(node, w);
  if (b) save(node, b);
  Value out = allocate(from->shape, from->format, "layer norm");
  const Shape rows = from->shape.with_last(1);
  const Value mean = allocate(rows, fp32, "mean");
  const Value deviation = allocate(rows, fp32, "1/deviation");
  save(node, mean);
  save(node, deviation);
  return bind(node, out);
}

}  // namespace gpumem
