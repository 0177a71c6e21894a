#include "training/step.hpp"

#include "layers/adapter_kinds.hpp"
#include "layers/gaps.hpp"
#include "machine/parts.hpp"
#include "training/optimizer.hpp"
#include "training/seen_images.hpp"
#include "training/soft_prompt.hpp"

namespace gpumem {

void add_weights(Machine& m) {
  for (const Parameter& p : m.parameters.rows)
    m.memory.add_bulk({Component::weights, p.layer, p.scope, p.name, p.shape, p.format, p.copies});
}

void declare_parameters(Machine& m, ModelRun& run, const Decoder& model, const Format* format, const std::vector<Alive>* stored) {
  m.weight_format = format;
  m.declaring = true;
  Pass pass;
  Value hidden = run.hidden_states(m, m.memory.describe({1, 1}, int64), pass, "");
  run.cap(m, run.head(m, std::move(hidden), pass)).drop();
  m.declaring = false;
  if (stored) {
    for (const Alive& tensor : *stored) m.memory.add_bulk(tensor);
    return;
  }
  add_weights(m);
  for (const IdleWeights& w : model.beside)
    m.memory.add_bulk({Component::weights, -1, 0, w.name, w.shape, format, w.copies});
}

namespace {

/// What this rank's optimizer works on.
std::span<const Parameter> held(const Machine& m, const TrainingPlan& plan) {
  return plan.ranks ? plan.ranks->held() : std::span<const Parameter>(m.parameters.rows);
}

/// Of that, what it works on in the device's memory.
std::vector<Parameter> stepped(const Machine& m, const TrainingPlan& plan) {
  const auto all = held(m, plan);
  std::vector<Parameter> here;
  for (const Parameter& p : all)
    if (p.trainable && !(whole_engine && plan.states_on_host && on_host(p))) here.push_back(p);
  return here;
}

/// A copy of every parameter, trained or not, updated in place.
/// Source: [pytorch-averaged] torch/optim/swa_utils.py AveragedModel, get_ema_multi_avg_fn
void add_average(Machine& m) {
  for (const Parameter& p : m.parameters.rows)
    m.memory.add_bulk({Component::weights, p.layer, p.scope, "moving average", p.shape, p.format, p.copies});
}

/// Gradients that earlier micro-batches of the same step left.
void add_accumulated(Machine& m, std::span<const Parameter> parameters) {
  for (const Parameter& p : parameters)
    if (p.trainable) m.memory.add_bulk({Component::gradients, p.layer, p.scope, p.name, p.shape, p.format, p.copies});
}

/// Forward up to the head's logits, then the loss.
Value run_forward(Machine& m, ModelRun& run, const TrainingPlan& plan, const Value& ids, const Value& labels, const Value& pixels, std::vector<Value>& kept) {
  Pass pass;
  pass.sequences = plan.micro_batch;
  pass.tokens = plan.tokens + plan.virtual_tokens;
  pass.kernel = plan.kernel;
  pass.checkpointing = plan.checkpointing;
  pass.together = plan.together;
  pass.tensor_ranks = plan.tensor_ranks;
  std::vector<Value> presents, held, placed;
  SeenImages seen;
  if (whole_engine && plan.reader) show_images(run, plan, pixels, seen, placed);
  if (whole_engine && plan.virtual_tokens > 0) put_prompt_in_front(run, plan, held);
  const Value targets = whole_engine ? labels_behind_prompt(m, plan, labels, held) : labels;
  if (whole_engine && plan.presents) pass.presents = &presents;
  Value hidden = run.hidden_states(m, ids, pass, "forward");
  pass.rotary = {};
  pass.mask = {};
  if (!whole_engine || !plan.reader) return decoder_loss(m, run, std::move(hidden), pass, targets, plan.loss, kept);
  let_go(placed);
  Value loss = decoder_loss(m, run, std::move(hidden), pass, targets, plan.loss, kept);
  forget_unread(m, seen);
  return loss;
}

}  // namespace

/// Source: [torch-fake-tensor-measurement] the order of moments is PyTorch's own: forward with labels, the model's
/// output dropped, backward, step, gradients set to none
void run_training_step(Machine& m, const Decoder& model, const TrainingPlan& plan, bool every_layer) {
  ModelRun run(model, plan_layers(layer_kinds(model), plan.together, !every_layer));
  freeze_base(m, plan);
  const std::vector<Alive> nothing;
  std::vector<Value> described;
  if (whole_engine && plan.virtual_tokens > 0) put_prompt_in_front(run, plan, described);
  SeenImages images;
  if (whole_engine && plan.reader) {
    m.weight_format = plan.weights;
    described.push_back(m.memory.describe({1}, plan.weights));
    show_images(run, plan, described.back(), images, described);
  }
  declare_parameters(m, run, model, plan.weights, plan.ranks ? &nothing : nullptr);
  if (plan.ranks) plan.ranks->hold_weights(m);
  begin_step(m, plan);
  m.begin_layer(-1);
  const std::vector<Value> buffers = run.buffers(m);
  const Value ids = m.allocate({plan.micro_batch, plan.tokens}, int64, "token ids");
  const Value labels = m.allocate({plan.micro_batch, plan.tokens}, int64, "labels");
  std::vector<Value> of_tower;
  Value pixels;
  if (whole_engine && plan.reader) {
    of_tower = image_buffers(m, *plan.reader);
    pixels = pixels_of(m, *plan.reader, plan.images);
    if (plan.reader->both_ways) of_tower.push_back(m.allocate(ids->shape, int64, "token types"));
    run.both_ways = plan.reader->both_ways;
  }

  begin_forward(m, plan);
  if (plan.ranks) {
    m.memory.ledger.enter("forward", -1);
    plan.ranks->begin_forward(m);
    m.on_forward_layer = [&](int layer, bool begins) {
      if (begins) plan.ranks->enter_layer(m, layer);
      else plan.ranks->leave_layer(m, layer);
    };
  }
  std::vector<Value> kept;
  Value loss = run_forward(m, run, plan, ids, labels, pixels, kept);
  run.on_embeddings = nullptr;
  if (plan.ranks) plan.ranks->end_forward(m);
  finish_step(m, run.schedule(), run.end_layer(), plan, std::move(loss));
}

std::vector<Parameter> parameters_of(const Decoder& model, const TrainingPlan& plan, bool every_layer) {
  Machine m;
  ModelRun run(model, plan_layers(layer_kinds(model), plan.together, !every_layer));
  freeze_base(m, plan);
  const std::vector<Alive> nothing;
  declare_parameters(m, run, model, plan.weights, &nothing);
  return m.parameters.rows;
}

void freeze_base(Machine& m, const TrainingPlan& plan) {
  if (plan.adaptation) m.adaptation = &*plan.adaptation;
  m.trainable = !plan.adaptation;
  m.fused = plan.fused;
  m.packed_inputs_kept = plan.packed_inputs_kept;
  m.unpacked_first = plan.unpacked_first;
  m.separate_experts = plan.separate_experts;
  m.heads_repeated = plan.heads_repeated;
  m.norm_format = plan.norms;
  m.input_format = plan.inputs;
  m.recomputed = plan.recomputed;
  m.selective = plan.selective;
  m.products_in_8_bits = plan.products_in_8_bits;
  m.reentrant = plan.reentrant;
  m.away = plan.away;
}

void begin_forward(Machine& m, const TrainingPlan& plan) {
  constexpr std::size_t usual_nodes = 1024;   // of the layers that are run; nodes are large, and moving them costs
  m.tape.reserve(usual_nodes);
  m.training = true;
  m.recording = true;
  m.autocast = plan.autocast;
}

void begin_step(Machine& m, const TrainingPlan& plan) {
  m.memory.log.begin_step();
  if (whole_engine) add_shared_matrices(m);
  if (whole_engine && plan.averaged) add_average(m);
  add_optimizer_states(m, *plan.optimizer, plan.step, stepped(m, plan), plan.states);
  // Where gradients are views of buckets, those that were summed lie in them already.
  const bool inside = whole_engine && plan.buckets && plan.buckets->views && plan.buckets->each_time;
  if (plan.accumulating && !inside) add_accumulated(m, plan.ranks ? plan.ranks->accumulated() : held(m, plan));
  if (whole_engine && plan.buckets) plan.buckets->make(m, m.parameters.rows);
  m.accumulated = plan.accumulating && !plan.ranks;   // ranks add what they have reduced
}

void finish_step(Machine& m, const Schedule& schedule, int end_layer, const TrainingPlan& plan, Value loss) {
  m.leave_autocast();
  m.autocast = nullptr;

  const bool stay = !plan.optimizer_in_backward;
  // What ranks sum takes the gradients' place as they come; those of earlier micro-batches lie beside it until then.
  const bool copied = whole_engine && plan.buckets && plan.buckets->views;
  if (whole_engine && plan.gradients_on_host)
    for (Parameter& p : m.parameters.rows) p.gradient_leaves = on_host(p);
  m.memory.ledger.enter("backward", end_layer);
  m.on_backward_layer = [&](int from, int to) {
    if (whole_engine && from > end_layer) from = -1;   // a tower beside the text, whose gradients come after all layers'
    if (plan.ranks) plan.ranks->cross_backward(m, schedule, from, to);
    close_gaps(m, schedule, from, to, stay && !copied && !plan.accumulating && !plan.ranks);
    m.memory.ledger.enter("backward", to);
  };
  if (plan.optimizer_in_backward)
    m.on_gradient = [&](Parameter& p) {
      Parameter alone = p;   // layers that are not run step one by one as well
      alone.copies = 1;
      step_temporaries(m, *plan.optimizer, plan.step, {&alone, 1});
      return true;
    };
  if (copied) m.on_gradient = [](Parameter&) { return true; };
  if (whole_engine && plan.gradients_on_host) m.on_gradient = [](Parameter& p) { return on_host(p); };
  if (plan.ranks) plan.ranks->begin_backward(m);
  m.backward(std::move(loss));
  if (plan.ranks) plan.ranks->end_backward(m);
  if (copied) m.memory.remove_bulk(Component::gradients);
  m.memory.ledger.enter("optimizer-step", end_layer);
  m.memory.log.first_states();
  if (plan.ranks) plan.ranks->prepare_step(m);
  const std::vector<Parameter> here = stepped(m, plan);
  if (stay) step_temporaries(m, *plan.optimizer, plan.step, plan.ranks ? plan.ranks->stepped() : here);
  if (plan.ranks) plan.ranks->end_step(m);
  if (whole_engine && plan.buckets) plan.buckets->let_go();
  for (Parameter& p : m.parameters.rows) p.gradient.drop();
  m.memory.remove_bulk(Component::gradients);
}

}  // namespace gpumem
