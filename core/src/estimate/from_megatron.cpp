// Training under Megatron-LM: one rank of every pipeline stage is run.

#include <algorithm>
#include <cmath>

#include "estimate/answer.hpp"
#include "estimate/explain.hpp"
#include "estimate/quick.hpp"
#include "estimate/timeline.hpp"
#include "training/optimizer.hpp"
#include "training/step.hpp"

namespace gpumem {
namespace {

using namespace megatron;

/// Source: [megatron-lm] megatron/core/optimizer/distrib_optimizer.py; [transformer-engine] pytorch/optimizers/fused_adam.py:
/// of fp32 weights whose upper half is the bf16 weight only the lower half is kept
States states_of(const Scenario& s) {
  const MegatronOptions& o = s.megatron;
  States made;
  const bool half = s.training.precision == "megatron-fp16";
  made.weights = half ? fp16 : bf16;
  made.gradients = half ? fp16 : o.wide_gradients ? fp32 : bf16;
  made.main_bytes = o.precision_aware && !half ? 2 : 4;
  made.moment_count = find_optimizer(s.training.optimizer)->states_per_parameter;
  made.moments = o.moments[0];
  made.gradients_widened = made.gradients != fp32 && !o.precision_aware;
  made.moments_widened = made.moments != fp32;
  if (s.layout.zero > 0) {
    made.shards = dense_copies(s.layout);
    made.expert_shards = expert_copies(s.layout, o.spread);
  }
  return made;
}

/// cuBLAS gets this much from Transformer Engine and from PyTorch alike.
/// Source: [transformer-engine] pytorch/cpp_extensions/gemm.py get_cublas_workspace_size_bytes
Bytes product_workspace(const Scenario& s) {
  const bool older = s.device && s.device->compute_capability > 0 && s.device->compute_capability < 9;
  return older ? mib(4) : mib(32);
}

/// Whole layers, or modules, or nothing.
Recompute recompute_of(const Scenario& s) {
  Recompute made = s.megatron.recompute;
  if (s.training.checkpointing == "full") {
    made = {};
    made.whole_layers = s.megatron.recompute.whole_layers;
    made.first_layers = s.megatron.recompute.first_layers;
    return made;
  }
  made.whole_layers = 0;
  made.first_layers = -1;
  return s.training.checkpointing == "none" ? Recompute{} : made;
}

Stage stage_of(const Scenario& s, const Decoder& part, const std::vector<double>& sizes, double stage) {
  const MegatronOptions& o = s.megatron;
  const TrainingScenario& t = s.training;
  Stage made;
  made.model = &part;
  made.share = share_of(*s.model, s.layout, o.spread, t.micro_batch * t.sequence_tokens);
  made.share.exchange = o.exchange;
  made.share.fused_activation = o.fused_activation;
  made.share.loss = o.loss;
  made.share.recompute = recompute_of(s);
  made.share.dispatch.router = o.router;
  made.share.dispatch.shared_overlapped = o.shared_overlapped;
  made.share.dispatch.balance_loss = o.balance_loss;
  made.states = states_of(s);
  made.chunks = chunks_of(sizes, s.layout, stage, t.accumulation);
  made.running = made.chunks.size() - 1;
  made.steady = made.chunks.size() == 1 && s.layout.schedule != "gpipe" && t.accumulation > s.layout.pipeline - stage;
  made.share.tied = part.tied && made.chunks.front().embeds && made.chunks.back().heads;
  made.rotary_tokens = t.sequence_tokens;
  made.workspace = product_workspace(s);
  return made;
}

struct Whole {
  double total = 0, active = 0;
};

/// Numbers of the whole model, as its own program declares them.
Whole whole_model(const Decoder& model) {
  Machine m;
  ModelRun run(model, plan_layers(layer_kinds(model), true));
  declare_parameters(m, run, model, bf16);
  Whole sum;
  for (const Parameter& p : m.parameters.rows) {
    // Layers that are not declared one by one are counted below.
    sum.total += p.count() * p.copies;
    sum.active += p.count() * p.copies * p.used;
  }
  for (const IdleWeights& w : model.beside) sum.total += in(elements, w.shape.count()) * w.copies, sum.active += in(elements, w.shape.count()) * w.copies;
  return sum;
}

/// One rank of a stage, in a second pass looked at where its peak was.
Run run_of(const Stage& stage, const Scenario& s) {
  Run run;
  long awaited = -1;
  for (int pass = 0; pass < (s.detail == Detail::tensors ? 2 : 1); ++pass) {
    run.machine = std::make_unique<Machine>();
    run.machine->memory.ledger.await(awaited);
    run_stage(*run.machine, stage);
    const auto& all = run.machine->memory.ledger.stretches();
    run.peak = *std::max_element(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.highest < b.highest; });
    awaited = run.peak.moment;
  }
  constexpr int steps = 2;
  run.reserved = bytes(run.machine->memory.log.most_reserved(allocator_options(s), steps));
  return run;
}

void say(Scenario& s, const std::vector<double>& sizes, bool even) {
  const auto tell = [&](const char* id, std::string message) { s.assumptions.push_back({id, std::move(message)}); };
  tell("engine-profile", "Computed as Megatron-LM of October 2025 runs Transformer Engine's modules: no dropout, gradients added into the main gradients by the products themselves.");
  if (!even) {
    std::string text;
    for (const double n : sizes) add_word(text, number_text(n));
    tell("uneven-stages", text_of({"The layers do not divide evenly over the stages; Megatron-LM wants to be told how. Counted here: ", text, "."}));
  }
  for (const DecoderLayer& l : s.model->layers) {
    if (!l.experts) continue;
    if (!s.megatron.spread.padded && s.layout.expert > 1) tell("balanced-experts", "Every rank's experts are counted with as many rows as the others'; where routing is uneven, the busiest rank holds more.");
    break;
  }
}

}  // namespace

Document answer_for_megatron(const Scenario& given) {
  Scenario s = given;
  const RankLayout& l = s.layout;
  const Decoder part = part_of(*s.model, l, s.megatron.spread);
  bool even = true;
  const std::vector<double> sizes = layers_by_stage(static_cast<double>(part.layers.size()), l.pipeline * l.virtual_stages, s.megatron.spread, even);
  say(s, sizes, even);
  struct Row {
    Bytes peak;
    Document device;
  };
  std::vector<Row> rows;
  Document timeline;
  Bytes highest;
  const int layers = static_cast<int>(part.layers.size());
  for (double stage = 0; stage < l.pipeline; ++stage) {
    const Run run = run_of(stage_of(s, part, sizes, stage), s);
    const std::string role = l.pipeline > 1 ? "stage " + number_text(stage) : "gpu";
    Document device = device_document(s, run.peak.parts, run.peak.phase, role, run.reserved);
    device.set("count", l.data * l.tensor * l.context);
    if (s.detail == Detail::tensors) device.append("tensors", tensors_document(run, layers));
    if (run.peak.highest > highest) {
      highest = run.peak.highest;
      if (s.detail != Detail::summary) timeline = timeline_document(s, run, layers);
    }
    rows.push_back({run.peak.highest, std::move(device)});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.peak > b.peak; });
  Document devices = Document::list();
  for (Row& row : rows) devices.push(std::move(row.device));

  const Whole whole = whole_model(*s.model);
  const Format& format = *states_of(s).weights;
  Document answer = Document::record(
      {{"ok", true},
       {"scenario", completed(s)},
       {"parameters", Document::record({{"total", whole.total}, {"active", whole.active}, {"trainable", whole.total}})},
       {"devices", std::move(devices)},
       {"modelFile", Document::record({{"tensorBytes", stored_bytes(elements(whole.total), format)}, {"bitsPerWeight", format.block_bytes * 8 / format.block_elements}})}});
  if (s.detail != Detail::summary) answer.append("timeline", std::move(timeline));
  answer.append("quickEstimate", quick_estimate(s, whole.total, whole.total));
  if (s.detail != Detail::summary) answer.append("explanations", explanations_for_count(s, whole.total));
  answer.append("assumptions", assumptions_document(s));
  return answer;
}

}  // namespace gpumem
