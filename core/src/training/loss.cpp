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

/// PyTorch's own cross entropy: the logits' format stays, but autocast computes the second half in fp32.
/// Source: [transformers] models/whisper/modeling_whisper.py WhisperForConditionalGeneration.forward,
/// loss/loss_utils.py ForMaskedLMLoss (which widens first)
Value plain_loss(Machine& m, const Value& logits, const Value& labels, bool widened) {
  const Machine::Scope scope(m, "loss");
  const Component before = std::exchange(m.made, Component::logits);
  const Value wide = widened ? m.cast(logits, fp32) : logits;
  const double width = wide->shape[-1];
  const Value rows = m.view(wide, {in(elements, wide->shape.count()) / width, width});
  Value loss = m.nll_loss(m.widen(m.log_softmax(rows)), labels);
  m.made = before;
  return loss;
}

/// Source: [torch-fake-tensor-measurement] head, .float() and cross entropy on a chunk under a non-reentrant checkpoint
Value chunked_loss(Machine& m, ModelRun& run, Value hidden, const Value& labels, double rows) {
  const Machine::Scope scope(m, "loss");
  const double sequences = labels->shape[0], length = labels->shape[1], width = hidden->shape[-1];
  const Value padded = m.allocate({sequences, length + 1}, int64, "padded labels");
  const Value shifted = m.allocate({sequences, length}, int64, "shifted labels");
  const Value flat = m.view(hidden, {sequences * length, width});
  // Lowered once for all chunks, as autocast's cache does.
  const Value weight = m.lower(run.head_weight(m, width));
  const std::vector<Value> chunks = m.split_rows(flat, rows);
  Value total;
  for (const Value& chunk : chunks) {
    const Value targets = m.view(shifted, {chunk->shape[0]});
    Value part = m.checkpoint(chunk, [weight, targets](Machine& on, Value x) {
      const Component before = std::exchange(on.made, Component::logits);
      const Value wide = on.cast(on.linear(std::move(x), weight, {}, "logits"), fp32);
      Value loss = on.nll_loss(on.log_softmax(wide), targets);
      on.made = before;
      return loss;
    });
    total = total ? m.add(total, part) : m.add_number(part, "0 + loss");
  }
  return m.scale(total, "mean loss");
}

}  // namespace gpumem
