#include "layers/stacked_adapters.hpp"

#include <utility>

namespace gpumem {
namespace {

/// Each factor's gradient is a product, multiplied by the adapter's number.
/// Source: [pytorch-derivatives] baddbmm
void products_backward(Machine& m, Node& n, Gradients& g) {
  for (int i = 0; i < 2; ++i) {
    const Value product = m.allocate(n.input[static_cast<std::size_t>(i)].shape, n.input[static_cast<std::size_t>(i)].format, "gradient of a factor, unscaled", Component::workspace);
    g.made[static_cast<std::size_t>(i)] = m.gradient_like(n, i, "gradient of a factor");
  }
}

/// A view whose gradient comes back in another order, and is copied.
void reordered_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient, contiguous"); }

Value reordered(Machine& m, const Value& x, const Shape& shape) {
  Node* node = m.record(reordered_backward, {&x});
  Value out = m.view(m.detach(x), shape);
  return m.bind(node, out);
}

/// torch.nn.utils.parametrize computes what it puts in a parameter's place once to look at its shape and format.
/// Source: [pytorch] torch/nn/utils/parametrize.py ParametrizationList.__init__
void try_once(Machine& m, const Shape& shape, const Format* format) { m.allocate(shape, format, "adapted weight, tried", Component::workspace).drop(); }

}  // namespace

/// Source: [peft] tuners/lora/layer.py ParamWrapper.update_layer, get_delta_factors
StackFactors stack_factors(Machine& m, const char* name, const Shape& stack, bool joint) {
  const Adaptation* a = m.adaptation;
  const double rank = a ? a->rank_of_stack(joint) : 0;
  if (rank == 0) return {};
  const Machine::Scope scope(m, name);
  const double experts = stack[0], out = stack[1], width = stack[2];
  const Value down = m.parameter("lora_A.weight", {rank * experts, width}, a->format, true);
  const Value up = m.parameter("lora_B.weight", {out, rank * experts}, a->format, true);
  if (m.adapters_off) return {};
  StackFactors factors;
  factors.up = m.cast(reordered(m, up, {experts, out, rank}), m.weight_format);
  factors.down = m.cast(m.view(down, {experts, rank, width}), m.weight_format);
  try_once(m, stack, m.weight_format);
  return factors;
}

/// Source: [peft] tuners/lora/layer.py _LoraFactorsProxy.forward
Value with_factors(Machine& m, const Value& stack, const StackFactors& factors) {
  if (!factors.up) return stack;
  Node* node = m.record(products_backward, {&factors.up, &factors.down});
  m.save(node, factors.up);
  m.save(node, factors.down);
  Value out = m.allocate(stack->shape, stack->format, "experts' weights, adapted");
  return m.bind(node, out);
}

/// Source: [peft] tuners/lora/layer.py ParamWrapper.get_delta_weight, _LoraParameterProxy.forward
Value adapted_router(Machine& m, const Value& weight) {
  const Adaptation* a = m.adaptation;
  if (!a || !a->adapts_router()) return weight;
  const Machine::Scope scope(m, "gate");
  const Format* format = weight->format == fp32 ? fp32 : a->format;   // an adapter is made in the format of what it adapts
  const Value down = m.parameter("lora_A.weight", {a->rank, weight->shape[1]}, format, true);
  const Value up = m.parameter("lora_B.weight", {weight->shape[0], a->rank}, format, true);
  if (m.adapters_off) return weight;
  Value change = m.contract(up, down, weight->shape, "change of the router");
  change = m.cast(m.scale(std::move(change), "change, scaled"), weight->format);
  try_once(m, weight->shape, weight->format);
  return m.add(weight, std::move(change));
}

}  // namespace gpumem
