// Cross entropy: its two halves, and the kernels that do it in place or with the head's product.
// Source: [pytorch-derivatives] _log_softmax, nll_loss_forward

#include "machine/machine.hpp"

namespace gpumem {
namespace {

void nll_backward(Machine& m, Node& n, Gradients& g) {
  g.made[0] = m.allocate(n.input[0].shape, n.input[0].format, "gradient of the loss by class", Component::logits);
}

void log_softmax_backward(Machine& m, Node& n, Gradients& g) {
  g.made[0] = m.allocate(n.input[0].shape, n.input[0].format, "gradient of log-softmax", Component::logits);
}

void written_over(Machine&, Node& n, Gradients& g) { g.made[0] = n.saved[0]; }

void made_on_the_way(Machine&, Node& n, Gradients& g) {
  for (std::size_t i = 0; i < 2; ++i)
    if (n.wants(static_cast<int>(i))) g.made[i] = n.saved[i];
}

}  // namespace

/// rows [R, V] of logits; saves its result.
Value Machine::log_softmax(Value x) {
  const Value from = std::move(x);
  Node* node = record(log_softmax_backward, {&from});
  Value out = allocate(from->shape, from->format, "log-probabilities", Component::logits);
  save(node, out);
  return bind(node, out);
}

/// A scalar, and the sum of weights it was divided by.
Value Machine::nll_loss(Value log_probabilities, Value targets) {
  const Value from = std::move(log_probabilities), labels = std::move(targets);
  Node* node = record(nll_backward, {&from});
  save(node, from);
  save(node, labels);
  const Value total = memory.describe({1}, from->format);
  Value out = allocate({1}, from->format, "loss");
  save(node, allocate({1}, from->format, "total weight"));
  return bind(node, out);
}

/// Source: [fms-acceleration] foak/kernels/unsloth/cross_entropy_loss.py Fast_CrossEntropyLoss
Value Machine::loss_in_place(Value logits, Value targets) {
  const Value from = std::move(logits), labels = std::move(targets);
  Node* node = record(written_over, {&from});
  save(node, from);
  save(node, labels);
  const Shape rows = from->shape.with_last(1);
  const Value losses = allocate(rows, fp32, "losses");
  save(node, allocate(rows, fp32, "log-sum-exp"));
  Value out = allocate({1}, fp32, "loss");
  return bind(node, out);
}

/// A chunk's logits exist in the format of the product and in fp32, where the kernel writes the gradient over them; then
/// in the product's format again, and once more scaled.
/// Source: [liger-kernel] ops/fused_linear_cross_entropy.py fused_linear_cross_entropy_forward
Value Machine::linear_loss(Value x, Value weight, Value targets, double rows) {
  const Value from = std::move(x), w = std::move(weight), labels = std::move(targets);
  Node* node = record(made_on_the_way, {&from, &w});
  const Value weight_gradient = node && node->wants(1) ? gradient_like(*node, 1, "weight gradient") : Value();
  const Value input_gradient = node ? gradient_like(*node, 0, "input gradient") : Value();
  save(node, input_gradient ? input_gradient : from);
  if (weight_gradient) save(node, weight_gradient);
  const Value losses = allocate({from->shape[0]}, fp32, "losses");
  const Value lowered = lower(w);
  for (double left = from->shape[0]; left > 0; left -= rows) {
    const Shape chunk = {std::min(rows, left), w->shape[0]};
    Value logits = allocate(chunk, lowered->format, "logits", Component::logits);
    const Value wide = allocate(chunk, fp32, "logits, widened", Component::logits);
    logits.drop();
    logits = allocate(chunk, lowered->format, "gradient of logits", Component::logits);
    const Value scaled = allocate(chunk, lowered->format, "gradient of logits, scaled", Component::logits);
    allocate({chunk[0], from->shape[1]}, lowered->format, "gradient of a chunk").drop();
  }
  Value out = allocate({1}, fp32, "loss");
  return bind(node, out);
}

}  // namespace gpumem
