// DeepSpeed's options for training over ranks, by DeepSpeed's names.
#include <cmath>

#include "estimate/scenario.hpp"
#include "training/optimizer.hpp"

namespace gpumem {
namespace {

/// What "auto" stands for in a configuration that the Trainer of Transformers fills in.
/// Source: [transformers] integrations/deepspeed.py trainer_config_finalize
double automatic(std::string_view name, double hidden) {
  if (name == "reduce_bucket_size") return hidden * hidden;
  return name == "stage3_prefetch_bucket_size" ? std::floor(0.9 * hidden * hidden) : 10 * hidden;
}

struct Sized {
  std::string_view name;
  double ZeroOptions::* into;
  bool may_be_automatic;
};
constexpr Sized sizes[] = {
    {"reduce_bucket_size", &ZeroOptions::reduce_bucket_size, true},
    {"sub_group_size", &ZeroOptions::sub_group_size, false},
    {"stage3_prefetch_bucket_size", &ZeroOptions::prefetch_bucket_size, true},
    {"stage3_param_persistence_threshold", &ZeroOptions::persistence_threshold, true},
    {"stage3_max_live_parameters", &ZeroOptions::max_live_parameters, false},
    {"stage3_max_reuse_distance", &ZeroOptions::max_reuse_distance, false},
};

void read_size(Fields& zero, const Sized& row, const Scenario& s, ZeroOptions& o) {
  const Document* given = zero.value({row.name});
  if (row.may_be_automatic && given && given->is(Document::Kind::text) && given->text() == "auto")
    o.*row.into = automatic(row.name, s.model ? s.model->hidden : 0);
  else
    o.*row.into = zero.count({row.name}, o.*row.into, 0, 1e15);
}

/// {"device": "cpu", "pin_memory": true}
bool read_device(Fields& zero, std::string_view name, bool& pinned) {
  if (!zero.has(name)) return false;
  Fields offload = zero.record(name);
  const std::string device = offload.word({"device"}, "none", {"none", "cpu", "nvme"});
  if (device == "nvme") offload.report("device", "unsupported", "offloading to a disk is not computed");
  pinned = offload.flag({"pin_memory"}, pinned);
  return device == "cpu";
}

}  // namespace

void read_zero_options(Fields& options, Scenario& s) {
  ShardingScenario& o = s.training.sharding;
  const bool nested = options.has("zero_optimization");
  Fields section = options.record("zero_optimization");
  Fields& zero = nested ? section : options;
  for (const Sized& row : sizes) read_size(zero, row, s, o.zero);
  o.zero.overlaps = zero.value({"overlap_comm"}) != nullptr;
  o.zero.overlap_comm = zero.flag({"overlap_comm"}, false);
  o.zero.contiguous_gradients = zero.flag({"contiguous_gradients"}, true);
  o.zero.stage = static_cast<int>(zero.count({"stage"}, 0, 0, 3));
  o.offload_optimizer = read_device(zero, "offload_optimizer", o.pinned);
  o.offload_parameters = read_device(zero, "offload_param", o.pinned);
  if (nested)
    section.assume_ignored([&](std::string_view option) {
      s.assumptions.push_back({"ignored-option", text_of({"The engine option ", quoted(option), " is not known to this profile and was ignored."})});
    });
}

/// FSDP has one switch for all that it shards.
void read_sharded_offload(Fields& training, Scenario& s) {
  ShardingScenario& o = s.training.sharding;
  Fields offload = training.record("offload");
  const bool parameters = offload.flag({"parameters"}, o.offload_parameters), optimizer = offload.flag({"optimizer"}, o.offload_optimizer || parameters);
  o.offload_parameters = o.offload_parameters || parameters;
  o.offload_optimizer = o.offload_optimizer || optimizer;
  if (s.engine == "fsdp" && o.offload_optimizer && !o.offload_parameters)
    offload.report("optimizer", "unsupported", "fsdp offloads parameters, gradients and optimizer states together: \"parameters\"");
  if (offload.flag({"activations"}, false)) offload.report("activations", "unsupported", "is not computed so far");
  offload.refuse_unknown();
}

/// Source: [accelerate] utils/dataclasses.py DeepSpeedPlugin; [deepspeed] runtime/zero/config.py: overlap_comm is on by default in stage 3; offload_param needs stage 3
void complete_zero(Fields& request, Scenario& s) {
  ShardingScenario& o = s.training.sharding;
  const Document* parallel = request.value({"parallel"});
  const bool named = parallel && parallel->is(Document::Kind::record) && parallel->find("zero");
  constexpr int usual_stage = 2;   // of accelerate's DeepSpeedPlugin
  if (!named) s.layout.zero = o.zero.stage > 0 ? o.zero.stage : usual_stage;
  const auto no = [&](const char* path, std::string_view code, std::string message) { request.report(path, code, std::move(message)); };
  if (s.layout.zero == 0) no("parallel.zero", "unsupported", "must be 1, 2 or 3: DeepSpeed without ZeRO is not computed so far");
  if (o.zero.stage > 0 && o.zero.stage != s.layout.zero) no("parallel.zero", "contradiction", "is not the stage of engine.options");
  if (o.offload_parameters && s.layout.zero != 3) no("training.offload.parameters", "contradiction", "DeepSpeed offloads parameters in stage 3 only");
  if (!o.zero.overlaps) o.zero.overlap_comm = s.layout.zero == 3;
  if (!s.model) no("model", "unsupported", "a model without a program of a decoder is not computed for deepspeed so far");
  const TrainingScenario& t = s.training;
  if (t.precision != "bf16" && t.precision != "fp32") no("training.precision", "unsupported", text_of({quoted(t.precision), " is not computed for deepspeed so far; bf16 has fp32 master weights there"}));
  if (t.method == "qlora") no("training.method", "unsupported", "a base in 4 bits is not computed for deepspeed so far");
  if (t.optimizer_in_backward) no("training.optimizerInBackward", "unsupported", "a step inside backward is not computed for deepspeed so far");
  if (const catalog::OptimizerRow* row = find_optimizer(t.optimizer); row && !row->matrices.empty())
    no("training.optimizer", "unsupported", text_of({quoted(t.optimizer), " looks at matrices, and DeepSpeed's partitions are flat"}));
  for (const Sized& row : sizes) s.engine_options.set(row.name, o.zero.*row.into);
  s.engine_options.set("overlap_comm", o.zero.overlap_comm);
  s.engine_options.set("contiguous_gradients", o.zero.contiguous_gradients);
  const auto device = [&](bool on) { return Document::record({{"device", on ? "cpu" : "none"}, {"pin_memory", o.pinned}}); };
  s.engine_options.set("offload_optimizer", device(o.offload_optimizer));
  s.engine_options.set("offload_param", device(o.offload_parameters));
}

}  // namespace gpumem
