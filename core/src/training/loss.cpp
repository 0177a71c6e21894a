#include "training/loss.hpp"

namespace gpumem {

/// Logits are widened to fp32; only the log-probabilities are kept for backward.
/// Source: [transformers] loss/loss_utils.py ForCausalLMLoss
Value causal_loss(Machine& m, const Value& logits, const Value& labels) {
  const Machine::Scope scope(m, "loss");
  const Component before = std::exchange(m.made, Component::logits);
  const Value wide = m.cast(logits, fp32);
  const double sequences = labels->shape[0], length = labels->shape[1];
  const Value padded = m.allocate({sequences, length + 1}, int64, "padded labels", Component::activations);
  const Value shifted = m.allocate({sequences, length}, int64, "shifted labels", Component::activations);
  const Value rows = m.view(wide, {sequences * length, logits->shape[-1]});
  Value loss = m.nll_loss(m.log_softmax(rows), shifted);
  m.made = before;
  return loss;
}

}  // namespace gpumem
