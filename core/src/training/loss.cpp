#include "training/loss.hpp"

#include <cmath>
#include <utility>

#include "layers/dense.hpp"
#include "layers/split_sequence.hpp"
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
Value causal_loss(Machine& m, Value& logits, const Value& labels, const LossPlan& plan, bool own, bool split) {
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
  } else if (whole_engine && split) {
    loss = loss_of_split_classes(m, wide, targets.shifted);
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

/// Each chunk's logits are made again in backward.
/// Source: [torch-fake-tensor-measurement] head, .float() and cross entropy on a chunk under a non-reentrant checkpoint
Value chunked_loss(Machine& m, ModelRun& run, Value hidden, const Value& labels, const LossPlan& plan) {
  const Machine::Scope scope(m, "loss");
  const double width = hidden->shape[-1];
  const Targets labelled = shifted_labels(m, labels, LossPlan::Shift::labels);
  const Value flat = m.view(hidden, {hidden->shape[0] * hidden->shape[1], width});
  // Lowered once for all chunks, as autocast's cache does; a frozen weight, which it does not keep, for each.
  Value weight = run.head_weight(m, width);
  if (weight->needs_gradient) weight = m.lower(std::move(weight));
  const std::vector<Value> chunks = m.split_rows(flat, plan.rows);
  Value total;
  for (const Value& chunk : chunks) {
    const Value targets = m.view(labelled.shifted, {chunk->shape[0]});
    const auto of_chunk = [weight, targets](Machine& on, Value x) {
      const Component before = std::exchange(on.made, Component::logits);
      const Value wide = on.cast(on.linear(std::move(x), weight, {}, "logits"), fp32);
      Value loss = on.nll_loss(on.log_softmax(wide), targets);
      on.made = before;
      return loss;
    };
    Value part = m.checkpoint(chunk, of_chunk);
    total = total ? m.add(total, part) : m.add_number(part, "0 + loss");
  }
  return m.scale(total, "mean loss");
}

/// The model gives back a list of logits by chunk, widened as all that leaves a Fabric module; the list lives until the
/// end of the step, so all losses' graphs stand before the first one goes.
/// Source: [litgpt] lit_gpt/lora.py GPT.forward, utils.py chunked_cross_entropy; [lightning-fabric]
/// lightning/fabric/plugins/precision/half.py HalfPrecision.convert_output
Value listed_loss(Machine& m, ModelRun& run, const Value& hidden, const LossPlan& plan, std::vector<Value>& logits) {
  const Machine::Scope scope(m, "loss");
  const double width = hidden->shape[-1], sequences = hidden->shape[0];
  const Value weight = run.head_weight(m, width);
  const Component before = std::exchange(m.made, Component::logits);
  std::vector<Value> narrow, losses;
  for (const Value& chunk : m.split_rows(m.view(hidden, {sequences * hidden->shape[1], width}), plan.rows * sequences))
    narrow.push_back(product(m, chunk, weight, {}, "logits"));
  for (const Value& chunk : narrow) logits.push_back(m.cast(chunk, fp32));
  narrow.clear();
  for (const Value& chunk : logits)
    losses.push_back(m.nll_loss(m.log_softmax(chunk), m.allocate({chunk->shape[0]}, int64, "targets", Component::activations)));
  Value total;
  for (const Value& one : losses) total = total ? m.add(total, one) : m.add_number(one, "0 + loss");
  m.made = before;
  return m.scale(total, "mean loss");
}

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

Value decoder_loss(Machine& m, ModelRun& run, Value hidden, const Pass& pass, const Value& labels, const LossPlan& plan, std::vector<Value>& kept) {
  if (whole_engine && plan.kind == LossPlan::Kind::listed) {
    m.memory.ledger.enter("loss", run.end_layer());
    return listed_loss(m, run, hidden, plan, kept);
  }
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
  Value loss = causal_loss(m, logits, labels, plan, own, pass.tensor_ranks > 1);
  hidden.drop();
  give_back(m, logits, pass, plan);
  return loss;
}

}  // namespace gpumem
