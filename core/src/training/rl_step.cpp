#include "training/rl_step.hpp"

#include <utility>

#include "training/whole_logits.hpp"

namespace gpumem {
namespace {

Pass pass_of(const TrainingPlan& plan, const RlPlan& rl) {
  Pass pass;
  pass.sequences = rl.sequences;
  pass.tokens = plan.tokens;
  pass.kernel = plan.kernel;
  pass.checkpointing = plan.checkpointing;
  pass.together = plan.together;
  return pass;
}

/// Log-probabilities of the answers' tokens; those of the prompt are left out of the product with the head. While the
/// model is trained its entropy, mean logit and hits are told too.
/// Source: [trl] trainer/utils.py add_fused_lm_head
Value score(Machine& m, ModelRun& run, const Value& hidden, const RlPlan& rl, bool told) {
  const Machine::Scope scope(m, "loss");
  const Component before = std::exchange(m.made, Component::logits);
  const double sequences = hidden->shape[0], next = hidden->shape[1] - 1, width = hidden->shape[2];
  const Value labels = m.allocate({sequences, next + 1}, int64, "labels of the answers");
  const Value mask = m.allocate({sequences, next}, byte_flag, "mask of the answers");
  const Value rows = m.chosen_rows(m.pick(hidden, {sequences, next, width}), mask, sequences * rl.scored);
  const Value targets = m.allocate({rows->shape[0]}, int64, "targets");
  const Value scores = m.log_probabilities(rows, run.head_weight(m, width), targets, told);
  Value by_token = m.spread_rows(scores, mask);
  m.made = before;
  return by_token;
}

/// A forward without gradients; its scores alone are left.
Value score_only(Machine& m, ModelRun& run, const TrainingPlan& plan, const RlPlan& rl, const Value& ids, std::string_view phase, bool adapters_off) {
  const bool recorded = std::exchange(m.recording, false);
  m.adapters_off = adapters_off;
  m.autocast = plan.autocast;
  Value scores;
  {
    Pass pass = pass_of(plan, rl);
    const Value hidden = run.hidden_states(m, ids, pass, phase);
    scores = score(m, run, hidden, rl, false);
  }
  m.adapters_off = false;
  if (!recorded) {
    m.leave_autocast();
    m.autocast = nullptr;
  }
  m.recording = recorded;
  return scores;
}

void add_pool(Machine& m, const RlPlan& rl) {
  m.memory.ledger.enter("rollout", -1);
  if (rl.pool_weights + rl.pool_rest == Bytes()) return;
  m.memory.add_bulk({rl.sleeps ? Component::workspace : Component::weights, -1, 0, "weights of the engine that answers", {in(bytes, rl.pool_weights)}, byte_flag, 1});
  m.memory.add_bulk({rl.sleeps ? Component::workspace : Component::kv_cache, -1, 0, "cache of the engine that answers", {in(bytes, rl.pool_rest)}, byte_flag, 1});
  m.memory.note();
  if (rl.sleeps) m.memory.remove_bulk(Component::workspace);
}

/// Source: [trl] trainer/reward_trainer.py compute_loss; [transformers] modeling_layers.py GenericForSequenceClassification
Value reward_loss(Machine& m, ModelRun& run, Value hidden, const Pass& pass) {
  const Value scores = run.head(m, std::move(hidden), pass);
  m.memory.ledger.enter("loss", run.end_layer());
  const double sequences = scores->shape[0];
  return m.sum_last(m.view(m.pick(scores, {sequences, 1, 1}), {1, sequences}));
}

/// The Trainer has what a model gives back widened under autocast. Source: [accelerate] utils/operations.py ConvertOutputsToFp32
Value loss_of_logits(Machine& m, ModelRun& run, Value hidden, const Pass& pass, const RlPlan& rl) {
  Value logits = run.cap(m, run.head(m, std::move(hidden), pass));
  m.memory.ledger.enter("loss", run.end_layer());
  if (m.autocast) {
    m.leave_autocast();
    m.autocast = nullptr;
    const Component before = std::exchange(m.made, Component::logits);
    logits = m.cast(std::move(logits), fp32);
    m.made = before;
  }
  return pairs_of_logits(m, logits, rl.likelihood);
}

}  // namespace

/// Source: [trl] trainer/dpo_trainer.py _compute_loss, kto_trainer.py _compute_kl_logps, _compute_loss, grpo_trainer.py _generate_and_score_completions, _compute_loss
void run_rl_step(Machine& m, const Decoder& model, const TrainingPlan& plan, const RlPlan& rl, bool every_layer) {
  ModelRun run(model, plan_layers(layer_kinds(model), plan.together, !every_layer));
  freeze_base(m, plan);
  declare_parameters(m, run, model, plan.weights);
  const bool adapters = plan.adaptation.has_value();
  if (rl.reference && !adapters) add_weights(m);
  begin_step(m, plan);
  m.begin_layer(-1);
  const std::vector<Value> buffers = run.buffers(m);
  const Value ids = m.allocate({rl.sequences, plan.tokens}, int64, "token ids");
  const Value masks = m.allocate({rl.sequences, plan.tokens}, int64, "attention mask");
  std::vector<Value> known;
  m.training = true;
  if (rl.loss == RlPlan::Loss::groups) add_pool(m, rl);
  if (rl.scored_before) known.push_back(score_only(m, run, plan, rl, ids, "scoring", false));
  if (rl.loss == RlPlan::Loss::groups && rl.reference) known.push_back(score_only(m, run, plan, rl, ids, "reference", true));
  begin_forward(m, plan);
  Pass pass = pass_of(plan, rl);
  Value hidden = run.hidden_states(m, ids, pass, "forward");
  pass.rotary = {};
  pass.mask = {};
  if (rl.loss == RlPlan::Loss::rewards) {
    Value loss = reward_loss(m, run, std::move(hidden), pass);
    return finish_step(m, run.schedule(), run.end_layer(), plan, std::move(loss));
  }
  if (rl.loss == RlPlan::Loss::logits) {
    Value loss = loss_of_logits(m, run, std::move(hidden), pass, rl);
    return finish_step(m, run.schedule(), run.end_layer(), plan, std::move(loss));
  }
  m.memory.ledger.enter("loss", run.end_layer());
  const Value scores = score(m, run, hidden, rl, true);
  hidden.drop();
  if (rl.loss == RlPlan::Loss::pairs && rl.reference) known.push_back(score_only(m, run, plan, rl, ids, "reference", true));
  m.begin_layer(run.end_layer());
  m.memory.ledger.enter("loss", run.end_layer());
  Value loss = m.sum_last(m.view(scores, {1, in(elements, scores->shape.count())}));
  finish_step(m, run.schedule(), run.end_layer(), plan, std::move(loss));
}

}  // namespace gpumem
