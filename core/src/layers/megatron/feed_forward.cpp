#include "layers/megatron/block.hpp"
#include "layers/megatron/linears.hpp"
#include "layers/megatron/recompute.hpp"

namespace gpumem::megatron {
namespace {

void like_input(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient of an activation"); }

/// Written out: the gated half's activation is a tensor that its product keeps.
void two_halves(Machine& m, Node& n, Gradients& g) {
  const Value halves = m.allocate(g.given[0]->shape, g.given[0]->format, "gradient of a half", Component::workspace);
  g.made[0] = m.gradient_like(n, 0, "gradient of an activation");
}

}  // namespace

/// x [rows, 2 · width] (or [rows, width] without a gate) → [rows, width]. One kernel that keeps its input, and the weight of
/// each row where it has one.
/// Source: [megatron-lm] megatron/core/fusions/fused_bias_swiglu.py SwiGLUFunction, WeightedSwiGLUFunction
Value activation(Machine& m, const Pass& pass, Value x, double width, const Value& weights) {
  const Value from = std::move(x);
  const bool written_out = !pass.share.fused_activation && from->shape[-1] > width;
  Node* node = m.record(written_out ? two_halves : like_input, {&from});
  m.save(node, from);
  if (weights) m.save(node, weights);
  if (written_out) m.save(node, m.allocate({from->shape[0], width}, from->format, "activated half"));
  Value out = m.allocate({from->shape[0], width}, from->format, "activation");
  return m.bind(node, out);
}

/// Source: [megatron-lm] megatron/core/transformer/mlp.py MLP.forward
Value feed_forward(Machine& m, const Pass& pass, const MlpLayer& mlp, std::optional<NormKind> norm, Value x, const char* name, bool gathers) {
  const Machine::Scope scope(m, name);
  const double first = mlp.kind == MlpLayer::Kind::plain ? mlp.width : 2 * mlp.width;
  Linear up{"linear_fc1", first, Divided::outputs, norm, mlp.bias};
  up.gathers = gathers;
  Value inner = linear(m, pass, std::move(x), up);
  inner = activation(m, pass, std::move(inner), mlp.width, Value());
  return linear(m, pass, std::move(inner), {"linear_fc2", pass.share.hidden, Divided::inputs, {}, mlp.bias});
}

}  // namespace gpumem::megatron
