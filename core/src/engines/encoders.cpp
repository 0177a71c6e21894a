#include "engines/encoders.hpp"

#include <algorithm>

#include "layers/model.hpp"
#include "training/encoder_step.hpp"

namespace gpumem {
namespace {

Value made_input(Machine& m, const EncoderModel& model, double sequences, double length) {
  const bool text = model.reads_tokens();
  return m.allocate(model.input_shape(sequences, length), text ? int64 : m.weight_format, text ? "token ids" : "input");
}

Pass pass_of(const EncoderPlan& plan, double length) {
  Pass pass;
  pass.sequences = plan.text.sequences;
  pass.tokens = length;
  pass.kernel = plan.text.kernel;
  return pass;
}

/// Source: [torch-fake-tensor-measurement] the model's own forward, its input held by the caller
void forward_once(Machine& m, EncoderRun& run, const EncoderModel& model, const EncoderPlan& plan) {
  m.memory.ledger.enter("forward", -1);
  const Value input = made_input(m, model, plan.text.sequences, plan.text.context_tokens);
  if (model.towers) {
    const Value ids = m.allocate({plan.text.sequences, plan.text.context_tokens}, int64, "token ids");
    std::vector<Value> given;
    run.similarity(m, input, ids, pass_of(plan, plan.text.context_tokens), "forward", given).drop();
    while (!given.empty()) given.pop_back();
    return;
  }
  Value hidden = run.encode(m, input, pass_of(plan, plan.text.context_tokens), "forward");
  const Value result = run.head(m, hidden);
}

struct Answer {
  Machine& m;
  EncoderRun& run;
  const EncoderPlan& plan;
  KvCache own, cross;
  Value encoded;
  double past = 0;

  Value forward(const Value& ids, double length, std::string_view phase) {
    Pass pass = pass_of(plan, length);
    pass.past = past;
    pass.cache = &own;
    pass.cross_cache = &cross;
    pass.encoded = encoded;
    const Value hidden = run.decode(m, m.view(ids, {plan.text.sequences, length}), std::move(pass), phase);
    const Value read = run.scaled(m, hidden);
    Value logits = run.biased(m, run.head(m, read));
    past += length;
    return logits;
  }
};

/// The encoder's output and the keys and values made of it stay until the answer is complete.
/// Source: [transformers] generation/utils.py GenerationMixin._prepare_encoder_decoder_kwargs_for_generation, _sample
void generate(Machine& m, EncoderRun& run, const EncoderModel& model, const EncoderPlan& plan) {
  const GenerationPlan& text = plan.text;
  Answer a{m, run, plan, KvCache(KvCache::Kind::grown, text.weights), KvCache(KvCache::Kind::grown, text.weights), {}, 0};
  Value ids = m.allocate({text.sequences, text.prompt_tokens}, int64, "token ids");
  m.memory.ledger.enter("encode", -1);
  a.encoded = run.encode(m, made_input(m, model, text.sequences, plan.encoder_tokens), pass_of(plan, plan.encoder_tokens), "encode");
  ids = choose(m, a.forward(ids, text.prompt_tokens, "prefill"), ids);
  while (a.past < text.context_tokens) {
    ids = choose(m, a.forward(ids, 1, "decode"), ids);
    if (a.past + 1 < text.context_tokens) {
      run.stretch_cache(m, a.own, text.context_tokens - 1);
      a.past = text.context_tokens - 1;
      ids = m.allocate({text.sequences, text.context_tokens}, int64, "token ids");
    }
  }
  a.encoded.drop();
}

}  // namespace

GenerationFacts run_encoder(Machine& m, const EncoderModel& model, const EncoderPlan& plan, bool every_layer) {
  EncoderRun run(model, plan_layers(layer_kinds(model), !every_layer, Passes::forward));
  declare_parameters(m, run, model, plan.text.weights);
  m.begin_layer(-1);
  const std::vector<Value> buffers = run.buffers(m);
  if (!model.answers()) {
    forward_once(m, run, model, plan);
    return {};
  }
  generate(m, run, model, plan);
  return {m.memory.ledger.stretches().back().parts[Component::kv_cache]};
}

}  // namespace gpumem
