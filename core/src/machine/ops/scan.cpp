// What scans along a sequence are written with.
// Source: [pytorch-derivatives] exp, softplus, cumsum, constant_pad_nd, bmm

#include "machine/machine.hpp"

namespace gpumem {
namespace {

void one_new(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient"); }

/// Turned around, summed, turned back: three tensors in one expression.
void cumulate_backward(Machine& m, Node& n, Gradients& g) {
  const Value turned = m.gradient_like(n, 0, "gradient, turned around");
  const Value summed = m.gradient_like(n, 0, "gradient, summed");
  g.made[0] = m.gradient_like(n, 0, "gradient");
}

void contract_backward(Machine& m, Node& n, Gradients& g) {
  for (int i = 0; i < 2; ++i)
    if (n.wants(i)) g.made[static_cast<std::size_t>(i)] = m.gradient_like(n, i, "gradient of a product");
}

/// The gradient of the columns is solved for first; that of the systems is a product, negated, and cut to a triangle.
/// Source: [pytorch] torch/csrc/autograd/FunctionsManual.cpp linalg_solve_triangular_backward
void solve_backward(Machine& m, Node& n, Gradients& g) {
  Value solved = m.gradient_like(n, 1, "gradient, solved for");
  if (n.wants(0)) {
    Value product = m.gradient_like(n, 0, "gradient of systems, as a product");
    product = m.gradient_like(n, 0, "gradient of systems, negated");
    g.made[0] = m.gradient_like(n, 0, "gradient of systems");
  }
  if (n.wants(1)) g.made[1] = std::move(solved);
}

/// The whole gradient is copied, the part's share is copied out of it.
/// Source: [pytorch-autograd-engine] torch/csrc/autograd/functions/tensor.cpp CopySlices::apply
void write_backward(Machine& m, Node& n, Gradients& g) {
  Value whole = m.allocate(n.output[0].shape, n.output[0].format, "gradient, copied");
  g.given[0] = whole;
  if (n.wants(1)) g.made[1] = m.allocate(n.input[1].shape, n.output[0].format, "gradient of a part");
  m.allocate(n.input[1].shape, n.output[0].format, "zeros in its place").drop();
  if (n.wants(0)) g.made[0] = std::move(whole);
}

}  // namespace

/// Source: [pytorch-derivatives] linalg_solve_triangular: the systems and the solution are saved, the columns not
Value Machine::solve(Value system, Value x, const char* label) {
  const Value a = std::move(system), b = std::move(x);
  Node* node = record(solve_backward, {&a, &b});
  save(node, a);
  Value out = allocate(b->shape, b->format, label);
  save(node, out);
  return bind(node, out);
}

Value Machine::write_part(Value whole, Value part) {
  const Value a = std::move(whole), b = std::move(part);
  Node* node = record(write_backward, {&a, &b});
  Value out = view(a, a->shape);
  return bind(node, out);
}

Value Machine::exp(Value x) { return unary(std::move(x), "exp", one_new, false, true); }
Value Machine::softplus(Value x) { return unary(std::move(x), "softplus", one_new, true, false); }
Value Machine::cumulate(Value x) { return unary(std::move(x), "cumulative sum", cumulate_backward, false, false); }

Value Machine::pad(Value x, const Shape& shape, const char* label) {
  const Value from = std::move(x);
  Node* node = record(one_new, {&from});
  Value out = allocate(shape, from->format, label);
  return bind(node, out);
}

Value Machine::contract(Value x, Value y, const Shape& shape, const char* label) {
  const Value a = lower(std::move(x)), b = lower(std::move(y));
  Node* node = record(contract_backward, {&a, &b});
  if (node && node->wants(1)) save(node, a);
  if (node && node->wants(0)) save(node, b);
  Value out = allocate(shape, a->format, label);
  return bind(node, out);
}

}  // namespace gpumem
