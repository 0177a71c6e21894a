#include "training/loss.hpp"

#include <cmath>
#include <utility>

#include "machine/parts.hpp"

namespace gpumem {

LossPlan::Shift shift_of_version(int version) {
  constexpr int loss_in_a_function = 4046, labels_padded = 4049;
  if (version >= labels_padded) return LossPlan::Shift::labels;
  return version >= loss_in_a_function ? LossPlan::Shift::logits : LossPlan::Shift::logits_reassigned;
}

namespace {

struct Targets {
  Value padded;   ///< the labels and one more, where they are moved and not the logits
  Value shifted;
};

Targets shifted_labels(Machine& m, const Value& labels, LossPlan::Shift shift) {
  const double sequences = labels->shape[0], length = labels->shape[1];
  const bool padded = shift == LossPlan::Shift::labels;
  Targets t;
  if (padded) t.padded = m.allocate({sequences, length + 1}, int64, "padded labels", Component::activations);
  t.shifted = m.allocate({sequences, length - !padded}, int64, "shifted labels", Component::activations);
  return t;
}

/// All logits at once, widened to fp32 (but in the older code of some families); of PyTorch's own loss only the
/// log-probabilities are kept for backward.
/// Source: [transformers] loss/loss_utils.py ForCausalLMLoss
Value causal_loss(Machine& m, Value& logits, const Value& labels, const LossPlan& plan, bool own) {
  const Machine::Scope scope(m, "loss");
  const Component before = std::exchange(m.made, Component::logits);
  Value wide = own ? logits : m.cast(logits, fp32);
  if (plan.shift == LossPlan::Shift::logits_reassigned) logits = wide;
  const LossPlan::Shift shift = own && plan.shift == LossPlan::Shift::labels ? LossPlan::Shift::logits : plan.shift;
  const Targets targets = shifted_labels(m, labels, shift);
  Value held;   // what the shifted copy was made of
  if (shift != LossPlan::Shift::labels) {
    held = wide;
    wide = m.copy(m.pick(wide, {wide->shape[0], wide->shape[1] - 1, wide->shape[2]}), "logits, shifted", Layout::token_major);
  }
  wide = m.view(wide, {wide->shape[0] * wide->shape[1], wide->shape[2]});
  Value loss;
  if (plan.kind == LossPlan::Kind::in_place) {
    loss = m.loss_in_place(wide, targets.shifted);
  } else {
    const Value narrow = m.log_softmax(wide);   // autocast leaves its format and widens what comes behind it
    loss = m.nll_loss(own ? m.widen(narrow) : narrow, targets.shifted);
  }
  m.made = before;
  return loss;
}

/// Rows of a chunk: as many as make its logits about as large as the hidden states, a power of two.
/// Source: [liger-kernel] ops/fused_linear_cross_entropy.py fused_linear_cross_entropy_forward
double rows_of_chunk(double rows, double vocabulary, double hidden) {
  const double wanted = std::ceil(rows / std::ceil(vocabulary / hidden));
  double power = 1;
  while (power < wanted) power *= 2;
  return power;
}

/// Source: [liger-kernel] transformers/model/llama.py lce_forward
Value fused_loss(Machine& m, ModelRun& run, Value hidden, const Value& labels, const LossPlan& plan) {
  const Machine::Scope scope(m, "loss");
  const double width = hidden->shape[2];
  const Targets targets = shifted_labels(m, labels, plan.shift);
  const Value weight = run.head_weight(m, width);
  if (plan.shift != LossPlan::Shift::labels)
    hidden = m.copy(m.pick(hidden, {hidden->shape[0], hidden->shape[1] - 1, width}), "hidden states, shifted", Layout::token_major);
  const double rows = hidden->shape[0] * hidden->shape[1];
  const Value flat = m.view(hidden, {rows, width});
  return m.linear_loss(flat, weight, targets.shifted, rows_of_chunk(rows, weight->shape[0], width));
}

}  // namespace

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

namespace {

/// Each chunk's logits are made again in backward; LitGPT keeps them, in their own format.
/// Source: [litgpt] litgpt/utils.py chunked_cross_entropy
/// Source: [torch-fake-tensor-measurement] head, .float() and cross entropy on a chunk under a non-reentrant checkpoint
Value chunked_loss(Machine& m, ModelRun& run, Value hidden, const Value& labels, const LossPlan& plan) {
  const Machine::Scope scope(m, "loss");
  const double width = hidden->shape[-1];
  const Targets labelled = shifted_labels(m, labels, LossPlan::Shift::labels);
  const Value flat = m.view(hidden, {hidden->shape[0] * hidden->shape[1], width});
  // Lowered once for all chunks, as autocast's cache does.
  const Value weight = m.lower(run.head_weight(m, width));
  const std::vector<Value> chunks = m.split_rows(flat, plan.rows);
  Value total;
  for (const Value& chunk : chunks) {
    const Value targets = m.view(labelled.shifted, {chunk->shape[0]});
    const auto of_chunk = [weight, targets, wide_loss = plan.recomputed](Machine& on, Value x) {
      const Component before = std::exchange(on.made, Component::logits);
      Value wide = on.linear(std::move(x), weight, {}, "logits");
      if (wide_loss) wide = on.cast(wide, fp32);
      Value loss = on.nll_loss(on.log_softmax(wide), targets);
      on.made = before;
      return loss;
    };
    Value part = plan.recomputed ? m.checkpoint(chunk, of_chunk) : of_chunk(m, chunk);
    total = total ? m.add(total, part) : m.add_number(part, "0 + loss");
  }
  return m.scale(total, "mean loss");
}

}  // namespace

namespace {

/// Under autocast what the model gives back is widened as a whole, and thrown away before backward.
/// Source: [accelerate] utils/operations.py ConvertOutputsToFp32
void give_back(Machine& m, const Value& logits, const Pass& pass, const LossPlan& plan) {
  if (!plan.outputs_in_fp32) return;
  m.leave_autocast();   // which is around the forward alone
  const Component before = std::exchange(m.made, Component::logits);
  Value wide;
  if (logits->format != fp32) wide = m.allocate(logits->shape, fp32, "logits given back, widened");
  m.made = before;
  if (!whole_engine || !pass.presents) return;
  std::vector<Value> widened;
  for (const Value& one : *pass.presents) {
    Shape shape = one->shape;
    shape[0] *= one->storage->copies;   // it stands for layers that are not run
    if (one->format != fp32) widened.push_back(m.allocate(shape, fp32, "keys and values given back, widened", Component::kv_cache));
  }
}

}  // namespace

Value decoder_loss(Machine& m, ModelRun& run, Value hidden, const Pass& pass, const Value& labels, const LossPlan& plan) {
  if (plan.kind == LossPlan::Kind::chunked || plan.kind == LossPlan::Kind::fused) {
    m.memory.ledger.enter("loss", run.end_layer());
    return plan.kind == LossPlan::Kind::fused ? fused_loss(m, run, std::move(hidden), labels, plan)
                                              : chunked_loss(m, run, std::move(hidden), labels, plan);
  }
  Value logits = run.head(m, hidden, pass);
  m.memory.ledger.enter("loss", run.end_layer());
  m.memory.note();
  logits = run.cap(m, logits);
  const bool own = whole_engine && run.has_own_loss(plan.shift != LossPlan::Shift::labels);
  Value loss = causal_loss(m, logits, labels, plan, own);
  hidden.drop();
  give_back(m, logits, pass, plan);
  return loss;
}

}  // namespace gpumem
