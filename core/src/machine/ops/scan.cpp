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

}  // namespace

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
