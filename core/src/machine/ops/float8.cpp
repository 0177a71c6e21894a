// Linears that multiply in 8 bits: what they are given and keep stays as it is, and is cast for each product.
// Source: [torchao] float8/float8_linear.py matmul_with_hp_or_float8_args, with its casts fused by torch.compile

#include "machine/machine.hpp"

namespace gpumem {
namespace {

Value in_8_bits(Machine& m, const Shape& shape, const char* label) { return m.allocate(shape, uint8, label, Component::workspace); }

void float8_backward(Machine& m, Node& n, Gradients& g) {
  if (n.wants(0)) {
    const Value arrived = in_8_bits(m, n.output[0].shape, "gradient, in 8 bits");
    const Value weight = in_8_bits(m, n.input[1].shape, "weight, in 8 bits");
    g.made[0] = m.gradient_like(n, 0, "input gradient", Layout::token_major);
  }
  if (!n.wants(1)) return;
  const Value arrived = in_8_bits(m, n.output[0].shape, "gradient, in 8 bits");
  const Value x = in_8_bits(m, n.input[0].shape, "input, in 8 bits");
  g.made[1] = m.gradient_like(n, 1, "weight gradient");
}

}  // namespace

Value Machine::linear_in_8_bits(Value given, Value weight, Value bias, const char* label) {
  const Value from = std::move(given), w = std::move(weight);
  Node* node = record(float8_backward, {&from, &w});
  save(node, from);
  save(node, w);
  Value out;
  {
    const Value x = in_8_bits(*this, from->shape, "input, in 8 bits");
    const Value cast = in_8_bits(*this, w->shape, "weight, in 8 bits");
    out = costly(from->shape.with_last(w->shape[0]), from->format, label, true);
  }
  bind(node, out);
  return bias ? add(std::move(out), std::move(bias)) : out;
}

}  // namespace gpumem
