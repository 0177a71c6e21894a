#include "estimate/spread_training.hpp"

#include <memory>
#include <optional>

#include "placement/fsdp1.hpp"
#include "placement/tensor_parallel.hpp"
#include "placement/zero_parameters.hpp"
#include "placement/zero_states.hpp"
#include "training/encoder_step.hpp"

namespace gpumem {
namespace {

std::unique_ptr<RankProgram> fsdp_ranks(const Scenario& s, const Decoder& model, TrainingPlan& shared, bool every_layer) {
  const RankLayout& l = s.layout;
  const ShardingScenario& o = s.training.sharding;
  ShardingPlan sharding;
  sharding.ranks = l.shard_group;
  sharding.replicated = l.data > l.shard_group;
  sharding.reduced = find_format(o.reduced);
  sharding.reshard = l.reshard_after_forward;
  sharding.accumulating = shared.accumulating;
  sharding.synchronised = o.synchronised;
  sharding.offloaded = o.offload_parameters;
  sharding.pinned = o.pinned;
  const bool flat = l.fsdp_version == 1;
  // A flat parameter has one format: what lies on the processor while it is sharded is not prepared for training in few bits.
  // Source: [trl] trainer/sft_trainer.py is_sharded_qlora
  if (flat) shared.norms = nullptr;
  std::vector<Parameter> stored = parameters_of(model, shared, every_layer);
  if (const Format* gathered = find_format(o.gathered)) {
    shared.weights = gathered;
    if (!flat) shared.inputs = gathered;
    if (shared.norms) shared.norms = gathered;
    if (shared.adaptation) shared.adaptation->format = gathered;
  }
  if (!flat) return std::make_unique<FullyShard>(sharding, std::move(stored));
  LayerInput kept;
  if (shared.checkpointing && o.reentrant) kept = {{shared.micro_batch, shared.tokens, model.hidden}, shared.weights};
  return std::make_unique<FlatShard>(sharding, l.backward_prefetch == "pre", kept, std::move(stored));
}

/// DeepSpeed casts the whole model to one format, adapters and norms too.
/// Source: [deepspeed] runtime/engine.py _configure_distributed_model
std::unique_ptr<RankProgram> deepspeed_ranks(const Scenario& s, TrainingPlan& shared) {
  const ShardingScenario& o = s.training.sharding;
  shared.norms = nullptr;
  if (shared.adaptation) shared.adaptation->format = shared.weights;
  ZeroPlan plan;
  plan.ranks = s.layout.data;
  plan.stage = s.layout.zero;
  plan.offload_optimizer = o.offload_optimizer;
  plan.offload_parameters = o.offload_parameters;
  plan.pinned = o.pinned;
  plan.accumulating = shared.accumulating;
  plan.checkpointing = shared.checkpointing;
  plan.options = o.zero;
  std::vector<Parameter> every = parameters_of(*s.model, shared, true);
  if (plan.stage == 3) return std::make_unique<ZeroParameters>(plan, std::move(every));
  return std::make_unique<ZeroStates>(plan, std::move(every));
}

}  // namespace

bool is_spread(const Scenario& s) {
  return s.engine == "fsdp" || s.engine == "deepspeed" || (s.engine == "torch" && s.layout.data > 1);
}

Parts run_spread_step(Machine& m, const Scenario& s, const TrainingPlan& plan, bool every_layer) {
  TrainingPlan shared = plan;
  if (s.engine == "torch") {
    const ShardingScenario& o = s.training.sharding;
    GradientBuckets buckets;
    buckets.bytes = o.bucket_mib * 1024 * 1024;
    buckets.views = o.bucket_views;
    buckets.finds_unused = o.finds_unused;
    buckets.each_time = o.synchronised;
    shared.buckets = &buckets;
    if (s.encoder_model) run_encoder_step(m, *s.encoder_model, shared, every_layer);
    else run_training_step(m, *s.model, shared, every_layer);
    return {};
  }
  std::optional<Decoder> part;
  if (s.layout.tensor > 1) part = split_over_ranks(*s.model, s.layout.tensor);
  const Decoder& model = part ? *part : *s.model;
  shared.tensor_ranks = s.layout.tensor;
  const std::unique_ptr<RankProgram> ranks = s.engine == "fsdp" ? fsdp_ranks(s, model, shared, every_layer) : deepspeed_ranks(s, shared);
  shared.ranks = ranks.get();
  run_training_step(m, model, shared, every_layer);
  return ranks->on_host(*plan.optimizer, plan.step);
}

}  // namespace gpumem
