#include "training/whole_logits.hpp"

#include <utility>

#include "training/loss.hpp"

namespace gpumem {
namespace {

void chances_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient of the logits"); }

/// One kernel gives each row's log-probability and entropy and keeps the logits, whatever they are a view of.
/// Source: [trl] kernels/logprob_entropy.py _LogProbEntropyFunction
Value chances(Machine& m, const Value& logits) {
  const double sequences = logits->shape[0], next = logits->shape[1] - 1;
  const Value labels = m.allocate({sequences, next}, int64, "labels of the answers"), mask = m.allocate({sequences, next}, byte_flag, "mask of the answers");
  const Value shifted = m.pick(logits, {sequences, next, logits->shape[2]});
  Node* node = m.record(chances_backward, {&shifted});
  Value out = m.allocate({sequences, next}, fp32, "log-probabilities");
  const Value entropy = m.allocate({sequences, next}, fp32, "entropy");
  const Value total = m.allocate({sequences, next}, fp32, "log-sum-exp"), mean = m.allocate({sequences, next}, fp32, "expected logit");
  for (const Value* one : {&shifted, &labels, &total, &mean}) m.save(node, *one);
  m.bind(node, out);
  return m.sum_last(m.multiply(std::move(out), mask));
}

/// Source: [trl] experimental/orpo/orpo_trainer.py concatenated_forward, cross_entropy_loss
Value likelihood_of_chosen(Machine& m, const Value& logits) {
  const double pairs = logits->shape[0] / 2, next = logits->shape[1] - 1, width = logits->shape[2];
  const Value chosen = m.pick(logits, {pairs, next + 1, width});
  const Value shifted = m.copy(m.pick(chosen, {pairs, next, width}), "logits, shifted", Layout::token_major);
  const Value labels = m.allocate({pairs * next}, int64, "shifted labels");
  return plain_loss(m, shifted, labels, false);
}

}  // namespace

/// Source: [trl] experimental/orpo/orpo_trainer.py, experimental/cpo/cpo_trainer.py get_batch_loss_metrics
Value pairs_of_logits(Machine& m, const Value& logits, bool likelihood) {
  const Machine::Scope scope(m, "loss");
  const Component before = std::exchange(m.made, Component::logits);
  Value loss;
  if (likelihood) loss = likelihood_of_chosen(m, logits);
  Value scores = chances(m, logits);
  scores = m.sum_last(m.view(scores, {1, in(elements, scores->shape.count())}));
  m.made = before;
  return loss ? m.add(std::move(loss), scores) : scores;
}

}  // namespace gpumem
