#include "estimate/run.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "engines/encoders.hpp"
#include "engines/llama_cpp.hpp"
#include "estimate/overheads.hpp"
#include "estimate/spread_training.hpp"
#include "estimate/stack_names.hpp"
#include "estimate/weights_of.hpp"
#include "training/optimizer.hpp"
#include "training/encoder_step.hpp"
#include "training/rl_step.hpp"
#include "training/step.hpp"

namespace gpumem {
namespace {

AttentionKernel kernel(const std::string& name) {
  if (name == "eager") return AttentionKernel::eager;
  return name == "sdpa" ? AttentionKernel::sdpa : AttentionKernel::flash;
}

/// A tensor of another machine, under the names it has there.
void hold_named(Machine& m, const Machine& from, Alive alive) {
  std::vector<const char*> names;
  for (int s = alive.scope; s > 0; s = from.scopes()[static_cast<std::size_t>(s)].outer) names.push_back(from.scopes()[static_cast<std::size_t>(s)].name);
  std::vector<std::unique_ptr<Machine::Scope>> open;
  for (; !names.empty(); names.pop_back()) open.push_back(std::make_unique<Machine::Scope>(m, names.back()));
  alive.scope = static_cast<int>(m.scopes().size()) - 1;
  alive.layer = -1;
  m.memory.add_bulk(alive);
  while (!open.empty()) open.pop_back();   // the innermost first
}

/// The small model's weights and cache, at their full size from the start; answers what the cache takes.
/// Source: [transformers] generation/candidate_generators.py AssistedCandidateGenerator.get_candidates
Bytes hold_draft(Machine& m, const Scenario& draft) {
  const Run run = run_scenario(draft);
  const Machine::Scope scope(m, "draft");
  const int name = static_cast<int>(m.scopes().size()) - 1;
  if (run.stored.tensors.empty())
    for (const Parameter& p : run.machine->parameters.rows) hold_named(m, *run.machine, {Component::weights, -1, p.scope, p.name, p.shape, p.format, p.copies});
  for (Alive tensor : run.stored.tensors) {
    tensor.scope = name;
    tensor.label = "weights";   // their own names go with the run
    tensor.layer = -1;
    m.memory.add_bulk(tensor);
  }
  m.memory.add_bulk({Component::kv_cache, -1, name, "keys and values", Shape{in(bytes, run.cache)}, find_format("int8"), 1});
  return run.cache;
}

Bytes generate(Machine& m, const Scenario& s, const StoredWeights& stored, bool every_layer) {
  const InferenceScenario& i = s.inference;
  GenerationPlan plan;
  plan.weights = s.weight_format();
  plan.unpacks = s.mix->unpacked;
  plan.packs_head = s.litgpt;
  if (s.litgpt) plan.unpacked_first = fp16;
  plan.cache = s.cache_format();
  plan.cached_values = s.cached_values();
  if (whole_engine && s.engine == "llama.cpp") plan.lay_out_cache = lay_out_llama_cpp_cache;
  plan.shared_cells = i.shared_cells;
  plan.full_windows = i.full_windows;
  if (!s.plain() && (s.engine == "llama.cpp" || !s.mix->gguf)) plan.stored = &stored.tensors;
  plan.sequences = i.sequences;
  plan.prompt_tokens = i.prompt_tokens;
  plan.context_tokens = i.context_tokens;
  plan.prefill_tokens = i.prefill_tokens;
  plan.kernel = kernel(i.attention);
  plan.all_logits = i.all_logits;
  if (i.own_tables) plan.rotary_rows = s.model ? s.model->max_positions : 0;
  plan.fixed_cache = i.fixed_cache;
  if (whole_engine && i.packed_cache) plan.packed_cache = &*i.packed_cache;
  if (whole_engine && s.encoder_model) {
    plan.sequences *= i.images;
    return run_encoder(m, *s.encoder_model, {plan, i.encoder_tokens}, every_layer).cache;
  }
  Bytes of_draft;
  if (whole_engine && s.draft) {
    of_draft = hold_draft(m, *s.draft);
    plan.drafted = s.draft_tokens;
    for (double* tokens : {&plan.prompt_tokens, &plan.context_tokens, &plan.prefill_tokens}) *tokens += plan.drafted;
  }
  if (!whole_engine || !s.reader) return run_generation(m, *s.model, plan, every_layer).cache - of_draft;
  Decoder text = *s.model;
  text.beside.clear();   // the tower's weights are those of its program
  plan.reader = &*s.reader;
  plan.images = i.sequences * i.images;
  return run_generation(m, text, plan, every_layer).cache - of_draft;
}

/// What is trained beside a frozen base; QLoRA's base lies in 4 bits.
std::optional<Adaptation> adaptation(const Scenario& s) {
  const TrainingScenario& t = s.training;
  if (!whole_engine || t.method == "full") return std::nullopt;
  Adaptation a;
  if (t.method == "prompt") {
    a.format = fp32;
    return a;
  }
  using Kind = Adaptation::Kind;
  constexpr std::pair<std::string_view, Kind> kinds[] = {{"ia3", Kind::factors}, {"vera", Kind::shared_random}, {"loha", Kind::hadamard}, {"lokr", Kind::kronecker}, {"oft", Kind::rotation}};
  for (const auto& [name, kind] : kinds)
    if (t.lora.kind == name) a.kind = kind;
  a.block = t.lora.block;
  a.targets = t.lora.targets;
  a.saved = t.lora.modules_to_save;
  a.rank = t.lora.rank;
  a.dropout = t.lora.dropout;
  a.format = find_format(t.lora.format);
  a.magnitudes = t.method == "dora";
  const bool by_groups = s.weights.starts_with("gptq-");   // which leaves routers as they are
  if (!by_groups && t.transformers_version >= stacked_from) a.stacks = stack_names(s);
  if (t.method == "qlora") a.packed = base_format(*s.mix), a.packs_router = !by_groups, a.packs_head = s.litgpt;
  return a;
}

/// vLLM beside the trained model takes a share of the card: its weights in 16 bits, and the rest for its cache.
/// Source: [trl] generation/vllm_generation.py; [vllm] v1/worker/gpu_worker.py
RlPlan rl_plan(const Scenario& s) {
  const TrainingScenario& t = s.training;
  RlPlan plan;
  if (!t.rl) {   // a classifier: its loss is of one number a class and sequence
    plan.loss = RlPlan::Loss::rewards;
    plan.sequences = t.micro_batch;
    return plan;
  }
  const RlScenario& rl = *t.rl;
  const bool groups = rl.algorithm == "grpo" || rl.algorithm == "rloo";
  const bool of_logits = rl.algorithm == "orpo" || rl.algorithm == "cpo" || rl.algorithm == "simpo";
  plan.loss = groups ? RlPlan::Loss::groups : rl.algorithm == "reward" ? RlPlan::Loss::rewards : of_logits ? RlPlan::Loss::logits : RlPlan::Loss::pairs;
  plan.likelihood = of_logits && rl.algorithm != "simpo";
  const bool paired = of_logits || rl.algorithm == "dpo" || rl.algorithm == "reward";
  plan.sequences = paired ? 2 * t.micro_batch : t.micro_batch;
  plan.scored = std::min(rl.completion_tokens, t.sequence_tokens - 1);
  plan.reference = rl.reference;
  plan.scored_before = groups || rl.algorithm == "kto";   // KTO: answers to other prompts, for the divergence
  plan.sleeps = rl.sleeps;
  if (rl.rollout != "colocated-vllm" || !s.device) return plan;
  const Bytes pool = usable_memory(*s.device) * rl.memory_fraction;
  const TrainingPlan of_model;
  for (const Parameter& p : parameters_of(*s.model, of_model)) plan.pool_weights += p.stored() * p.copies;
  plan.pool_rest = std::max(pool - plan.pool_weights, Bytes());
  return plan;
}

/// What it keeps in the processor's memory.
Parts train(Machine& m, const Scenario& s, bool every_layer) {
  const TrainingScenario& t = s.training;
  TrainingPlan plan;
  plan.adaptation = adaptation(s);
  plan.loss = t.loss;
  plan.fused = t.fused;
  plan.packed_inputs_kept = s.litgpt;   // Source: [bitsandbytes] up to 0.43.1, autograd/_functions.py MatMul4Bit.forward: `ctx.tensors = (A, B)`
  if (s.litgpt) plan.unpacked_first = fp16;
  plan.separate_experts = t.transformers_version < stacked_from || s.weights.starts_with("gptq-");
  constexpr int one_interface = 4048;
  plan.heads_repeated = t.transformers_version < one_interface;
  if (t.wide_norms) plan.norms = fp32;
  plan.autocast = t.precision == "bf16-amp" ? bf16 : t.precision == "fp16-amp" ? fp16 : nullptr;
  plan.weights = t.method != "qlora" ? s.weight_format() : plan.autocast ? plan.autocast : bf16;
  if (!plan.autocast) plan.loss.outputs_in_fp32 = false;
  plan.optimizer = find_optimizer(t.optimizer);
  plan.step = t.optimizer_step;
  plan.micro_batch = t.micro_batch;
  plan.tokens = t.sequence_tokens;
  if (whole_engine && t.method == "prompt") plan.virtual_tokens = t.virtual_tokens;
  if (whole_engine) plan.averaged = t.averaged;
  if (whole_engine && s.reader) {
    plan.reader = &*s.reader;
    plan.images = t.micro_batch * t.images;
  }
  plan.kernel = kernel(t.attention);
  plan.checkpointing = t.checkpointing != "none" && t.checkpointing != "modules";
  if (whole_engine) {
    plan.together = t.together;
    plan.selective = t.checkpointing == "selective";
    plan.products_in_8_bits = t.precision == "fp8";
    plan.reentrant = t.checkpointing == "full" && t.sharding.reentrant;
    plan.recomputed = t.recomputed;
    plan.away = t.offload.activations ? Away::saved : t.checkpointing == "offload" ? Away::checkpoints : Away::nothing;
    plan.states_on_host = t.offload.optimizer;
    plan.gradients_on_host = t.offload.gradients;
    plan.states = find_format(t.state_format);
  }
  constexpr int none_given = 4053;   // Source: [transformers] models/gpt_bigcode/modeling_gpt_bigcode.py of 4.52 and 4.53
  plan.presents = whole_engine && s.model && s.model->presents_once_kept && plan.checkpointing && t.transformers_version < none_given;
  plan.optimizer_in_backward = t.optimizer_in_backward;
  plan.accumulating = t.accumulation > 1;
  if (whole_engine && is_spread(s)) return run_spread_step(m, s, plan, every_layer);
  if (whole_engine && s.encoder_model) run_encoder_step(m, *s.encoder_model, plan, every_layer);
  else if (whole_engine && (t.rl || s.model->classes > 0)) run_rl_step(m, *s.model, plan, rl_plan(s), every_layer);
  else run_training_step(m, *s.model, plan, every_layer);
  return {};
}

}  // namespace

namespace {

/// Source: [torchao] optim/cpu_offload.py: weights, gradients and states in the parameter's own format
void add_to_host(Parts& host, const Scenario& s, const Parameter& p) {
  const Bytes own = p.stored() * p.copies;
  host[Component::weights] += own;
  host[Component::gradients] += own;
  Machine states;
  add_optimizer_states(states, *find_optimizer(s.training.optimizer), "loop", {&p, 1}, find_format(s.training.state_format));
  host[Component::optimizer_states] += states.memory.ledger.parts()[Component::optimizer_states] + states.managed;
}

}  // namespace

/// On a card of known size the allocator gives back what is free before it fails.
AllocatorOptions allocator_options(const Scenario& s) {
  AllocatorOptions options = s.allocator;
  if (s.device) options.limit = in(bytes, usable_memory(*s.device) - outside_allocator());
  return options;
}

namespace {

Bytes reserved_by(const Machine& m, const Scenario& s) {
  constexpr int steps = 2;   // the first one meets no optimizer states; from the second on nothing new is asked for
  return bytes(m.memory.log.most_reserved(allocator_options(s), s.task == Task::training ? steps : 1));
}

/// Peaks are the same where layers that are alike are left out, but what lies between the tensors is not: that depends on
/// what the allocator was asked for, and in which order. So the layers are run once more, all of them.
Bytes reserved_by_every_layer(const Scenario& s, const StoredWeights& stored) {
  Machine m;
  if (s.task == Task::training) train(m, s, true);
  else generate(m, s, stored, true);
  return reserved_by(m, s);
}

constexpr std::size_t most_replayed = 48;   // layers; more take longer than an answer may

}  // namespace

Run run_scenario(const Scenario& s, bool every_layer) {
  Run run;
  if (!s.plain()) run.stored = weights_of(s);
  long awaited = -1;
  for (int pass = 0; pass < (s.detail == Detail::tensors ? 2 : 1); ++pass) {
    run.machine = std::make_unique<Machine>();
    Machine& m = *run.machine;
    m.memory.ledger.await(awaited);
    if (s.task == Task::training)
      run.host = train(m, s, every_layer);
    else
      run.cache = generate(m, s, run.stored, every_layer);
    const auto& all = m.memory.ledger.stretches();
    run.peak = *std::max_element(all.begin(), all.end(), [](const Stretch& a, const Stretch& b) { return a.highest < b.highest; });
    awaited = run.peak.moment;
  }
  const bool training = s.task == Task::training;
  const std::vector<int> kinds = !whole_engine || s.model ? layer_kinds(*s.model) : layer_kinds(*s.encoder_model);
  run.reserved = kinds.size() <= most_replayed && s.detail != Detail::summary ? reserved_by_every_layer(s, run.stored) : reserved_by(*run.machine, s);
  run.schedule = training ? plan_layers(kinds, s.training.together, !every_layer) : plan_layers(kinds, !every_layer, Passes::forward);
  if (whole_engine)
    for (const auto& [layer, waiting] : run.machine->host) run.host[Component::activations] += waiting;
  if (whole_engine) run.host[Component::optimizer_states] += run.machine->managed;
  const bool split = whole_engine && training && s.engine == "fsdp" && s.layout.tensor > 1;   // a rank declares its part alone
  const std::vector<Parameter> whole = split ? parameters_of(*s.model, {}, every_layer) : std::vector<Parameter>();
  for (const Parameter& p : split ? whole : run.machine->parameters.rows) {
    const double count = p.count() * p.copies;
    run.total += count;
    run.active += count * p.used;
    if (training && p.trainable) run.trainable += count;
    if (whole_engine && training && p.trainable && s.training.offload.optimizer && on_host(p)) add_to_host(run.host, s, p);
  }
  if (s.model && !s.reader)
    for (const IdleWeights& w : s.model->beside) {
      run.total += in(elements, w.shape.count()) * w.copies;
      run.active += in(elements, w.shape.count()) * w.copies;
    }
  run.file = s.plain() ? stored_bytes(elements(run.total), *s.weight_format()) : run.stored.file;
  return run;
}

}  // namespace gpumem
