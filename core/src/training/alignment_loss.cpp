// A loss over all ways to lay a text along rows of scores.

#include "training/loss.hpp"

namespace gpumem {
namespace {

/// Probabilities from behind are made as those from the front were, and then the gradient.
/// Source: [pytorch] aten/src/ATen/native/cuda/LossCTC.cu ctc_loss_backward_gpu_template
void aligned_backward(Machine& m, Node& n, Gradients& g) {
  const Value behind = m.allocate(n.saved[3]->shape, fp32, "ways from behind");
  g.made[0] = m.gradient_like(n, 0, "gradient of log-probabilities");
}

/// Rows have a blank before, between and behind the labels.
/// Source: [pytorch] aten/src/ATen/native/cuda/LossCTC.cu ctc_loss_gpu_template
Value aligned(Machine& m, const Value& log_probabilities, const Value& targets, double labels) {
  const double b = log_probabilities->shape[0], rows = log_probabilities->shape[1];
  Node* node = m.record(aligned_backward, {&log_probabilities});
  m.save(node, log_probabilities);
  m.save(node, targets);
  Value out = m.allocate({b}, fp32, "loss of each");
  m.save(node, out);
  m.save(node, m.allocate({b, rows, 2 * labels + 1}, fp32, "ways to each label"));
  return m.bind(node, out);
}

}  // namespace

/// How long each sequence is comes from a mask of ones over all its samples.
/// Source: [transformers] loss/loss_utils.py, models/wav2vec2/modeling_wav2vec2.py Wav2Vec2ForCTC.forward
Value alignment_loss(Machine& m, const Value& scores, const Value& labels, const Shape& read) {
  const Machine::Scope scope(m, "loss");
  const double b = labels->shape[0], length = labels->shape[1];
  const Value mask = m.allocate(read, int64, "mask of ones");
  const Value lengths = m.allocate({b}, int64, "rows of each");
  const Value there = m.allocate({b, length}, byte_flag, "labels that are there");
  const Value each = m.allocate({b}, int64, "labels of each");
  const Value targets = m.allocate({b * length}, int64, "labels, one behind the other");
  const Component before = std::exchange(m.made, Component::logits);
  const Value narrow = m.log_softmax(m.cast(scores, fp32));
  Value loss = m.sum_rows(m.view(aligned(m, narrow, targets, length), {b, 1}), b);
  m.made = before;
  return loss;
}

}  // namespace gpumem
