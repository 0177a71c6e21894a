#include "layers/split_sequence.hpp"

#include <utility>

namespace gpumem {
namespace {

Shape along_sequence(Shape x, double times) {
  x[1] *= times;
  return x;
}

/// Ranks' parts arrive one below the other and are put side by side, for the sequence is not the first extent.
/// Source: [pytorch-functional-collectives] torch/distributed/_functional_collectives.py all_gather_tensor
Value gathered(Machine& m, const Meta& part, double ranks) {
  Shape below = part.shape;
  below[0] *= ranks;
  const Value arrived = m.allocate(below, part.format, "parts of all ranks");
  return m.allocate(along_sequence(part.shape, ranks), part.format, "gathered along the sequence");
}

/// Source: [pytorch-functional-collectives] reduce_scatter_tensor
Value scattered(Machine& m, const Meta& whole, double ranks) {
  const Value ordered = m.allocate(whole.shape, whole.format, "parts, ordered by rank");
  return m.allocate(along_sequence(whole.shape, 1 / ranks), whole.format, "summed and scattered");
}

void gather_backward(Machine& m, Node& n, Gradients& g) {
  g.made[0] = scattered(m, n.output[0], n.output[0].shape[1] / n.input[0].shape[1]);
}

void scatter_backward(Machine& m, Node& n, Gradients& g) {
  g.made[0] = gathered(m, n.output[0], n.input[0].shape[1] / n.output[0].shape[1]);
}

/// Source: [pytorch-dtensor] torch/distributed/tensor/_ops/_embedding_ops.py embedding_dense_backward_strategy
void split_embedding_backward(Machine& m, Node& n, Gradients& g) {
  const Value every = m.allocate(n.input[1].shape, n.input[1].format, "gradient of every word", Component::workspace);
  g.given[0].drop();
  g.made[0] = m.gradient_like(n, 0, "table gradient");
}

/// Written out, both halves at once.
/// Source: [pytorch-dtensor] torch/distributed/tensor/parallel/loss.py _nll_loss_and_log_softmax_backward
void split_loss_backward(Machine& m, Node& n, Gradients& g) {
  const Meta& logits = n.input[0];
  const auto like = [&](const char* label) { return m.allocate(logits.shape, logits.format, label, Component::logits); };
  const Value ones = like("minus one at the targets");
  const double rows = logits.shape[0];
  const Value place = m.allocate({rows}, int64, "targets of this rank", Component::logits), words = m.allocate({rows}, int64, "targets", Component::logits);
  Value sum;
  {
    const Value probabilities = like("probabilities");
    sum = like("probabilities less the targets");
  }
  g.made[0] = like("gradient of the loss by class");
}

}  // namespace

Value gather_sequence(Machine& m, Value x, double ranks) {
  if (ranks == 1) return x;
  const Value from = std::move(x);
  Node* node = m.record(gather_backward, {&from});
  Value out = gathered(m, {from->shape, from->format, from->layout}, ranks);
  return m.bind(node, out);
}

Value scatter_sequence(Machine& m, Value x, double ranks) {
  if (ranks == 1) return x;
  const Value from = std::move(x);
  Node* node = m.record(scatter_backward, {&from});
  Value out = scattered(m, {from->shape, from->format, from->layout}, ranks);
  return m.bind(node, out);
}

Value embedding_of_split_words(Machine& m, const Value& ids, const Value& table, double ranks) {
  Shape words = table->shape;
  words[0] *= ranks;
  const Value every = m.memory.describe(words, table->format);
  Node* node = m.record(split_embedding_backward, {&table, &every});
  m.save(node, ids);
  Value out = m.allocate({ids->shape[0], ids->shape[1], words[1]}, table->format, "this rank's token embeddings");
  return m.bind(node, out);
}

/// Source: [pytorch-dtensor] torch/distributed/tensor/parallel/loss.py _log_softmax, _nll_loss_forward
Value loss_of_split_classes(Machine& m, Value logits, Value targets) {
  const Value from = std::move(logits), labels = std::move(targets);
  Node* node = m.record(split_loss_backward, {&from});
  const auto like = [&](const char* label) { return m.allocate(from->shape, from->format, label, Component::logits); };
  const Shape rows = from->shape.with_last(1);
  Value result;
  {
    const Value largest = m.allocate(rows, from->format, "largest logits of all ranks", Component::logits);
    const Value sums = m.allocate(rows, from->format, "sums of all ranks", Component::logits);
    const Value shifted = like("logits less the largest");
    like("their exponentials").drop();
    result = like("log-probabilities");
  }
  m.save(node, result);
  m.save(node, labels);
  Value loss = m.allocate({1}, from->format, "loss");
  m.save(node, m.allocate({1}, from->format, "total weight"));
  return m.bind(node, loss);
}

}  // namespace gpumem
