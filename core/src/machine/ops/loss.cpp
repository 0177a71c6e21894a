// Cross entropy's two halves.
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

}  // namespace gpumem
