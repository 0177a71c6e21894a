#include "training/encoder_step.hpp"

#include "layers/gaps.hpp"
#include "layers/model.hpp"
#include "training/loss.hpp"

namespace gpumem {

void declare_parameters(Machine& m, EncoderRun& run, const EncoderModel& model, const Format* format) {
  m.weight_format = format;
  m.declaring = true;
  const Format* read = model.reads_tokens() ? int64 : format;
  Pass pass;
  if (model.towers) {
    std::vector<Value> given;
    run.similarity(m, m.memory.describe(model.input_shape(1, 1), format), m.memory.describe({1, 1}, int64), pass, "", given).drop();
    while (!given.empty()) given.pop_back();
    m.declaring = false;
    return add_weights(m);
  }
  Value hidden = run.encode(m, m.memory.describe(model.input_shape(1, 1), read), pass, "");
  if (model.decoder) {
    pass.encoded = std::move(hidden);
    hidden = run.decode(m, m.memory.describe({1, 1}, int64), pass, "");
  }
  run.head(m, std::move(hidden)).drop();
  m.declaring = false;
  add_weights(m);
}

namespace {

/// The decoder reads its labels, moved by one.
/// Source: [transformers] models/bart/modeling_bart.py shift_tokens_right
Value shifted(Machine& m, const Value& labels) {
  Value ids = m.allocate(labels->shape, int64, "labels, shifted");
  m.allocate({labels->shape[0], labels->shape[1] - 1}, int64, "labels, copied").drop();
  m.allocate(labels->shape, byte_flag, "labels to be ignored").drop();
  return ids;
}

/// Images and texts, as many of either.
Value compare(Machine& m, EncoderRun& run, const TrainingPlan& plan, const Value& pixels, const Value& ids) {
  Pass pass;
  pass.sequences = plan.micro_batch;
  pass.tokens = plan.tokens;
  pass.kernel = plan.kernel;
  pass.checkpointing = plan.checkpointing;
  std::vector<Value> given;
  Value loss = run.pair_loss(m, run.similarity(m, pixels, ids, pass, "forward", given));
  while (!given.empty()) given.pop_back();
  return loss;
}

Value run_forward(Machine& m, EncoderRun& run, const EncoderModel& model, const TrainingPlan& plan, const Value& input,
                  const Value& labels) {
  Pass pass;
  pass.sequences = plan.micro_batch;
  pass.tokens = plan.tokens;
  pass.kernel = plan.kernel;
  pass.checkpointing = plan.checkpointing;
  const Value ids = model.decoder ? shifted(m, labels) : Value();
  Value hidden = run.encode(m, input, pass, "forward");
  if (model.decoder) {
    pass.encoded = hidden;
    hidden = run.decode(m, ids, pass, "forward");
  }
  const Value read = run.scaled(m, hidden);   // held until the loss is there, as the output is
  Value scores = run.head(m, read);
  if (model.head.kind == Head::Kind::vocabulary) {
    m.memory.ledger.enter("loss", model.end());
    m.memory.note();
    scores = run.biased(m, std::move(scores));
  }
  Value loss = model.head.aligned ? alignment_loss(m, scores, labels, input->shape) : plain_loss(m, scores, labels, model.head.widened);
  run.let_go();
  return loss;
}

}  // namespace

void run_encoder_step(Machine& m, const EncoderModel& model, const TrainingPlan& plan, bool every_layer) {
  EncoderRun run(model, plan_layers(layer_kinds(model), !every_layer));
  freeze_base(m, plan);
  declare_parameters(m, run, model, plan.weights);
  begin_step(m, plan);
  m.begin_layer(-1);
  const std::vector<Value> buffers = run.buffers(m);
  const bool text = model.reads_tokens();
  const Value input = m.allocate(model.input_shape(plan.micro_batch, plan.tokens), text ? int64 : plan.weights, text ? "token ids" : "input");
  if (model.towers) {
    const Value ids = m.allocate({plan.micro_batch, plan.tokens}, int64, "token ids");
    begin_forward(m, plan);
    Value loss = compare(m, run, plan, input, ids);
    return finish_step(m, run.schedule(), model.end(), plan, std::move(loss));
  }
  const bool per_token = model.head.kind == Head::Kind::vocabulary ||
                         (model.head.kind == Head::Kind::labels && model.head.labels.row == LabelHead::Row::each);
  const Value labels = m.allocate(per_token ? Shape{plan.micro_batch, plan.tokens} : Shape{plan.micro_batch}, int64, "labels");
  begin_forward(m, plan);
  Value loss = run_forward(m, run, model, plan, input, labels);
  finish_step(m, run.schedule(), model.end(), plan, std::move(loss));
}

}  // namespace gpumem
