#include "estimate/spread_training.hpp"

#include <memory>

#include "placement/fsdp1.hpp"

namespace gpumem {

void run_spread_step(Machine& m, const Scenario& s, const TrainingPlan& plan, bool every_layer) {
  const RankLayout& l = s.layout;
  ShardingPlan sharding;
  sharding.ranks = l.shard_group;
  sharding.replicated = l.data > l.shard_group;
  sharding.reduced = find_format(s.training.sharding.reduced);
  sharding.reshard = l.reshard_after_forward;
  sharding.accumulating = plan.accumulating;
  const bool flat = l.fsdp_version == 1;
  TrainingPlan shared = plan;
  // A flat parameter has one format: what lies on the processor while it is sharded is not prepared for training in few bits.
  // Source: [trl] trainer/sft_trainer.py is_sharded_qlora
  if (flat) shared.norms = nullptr;
  std::vector<Parameter> stored = parameters_of(*s.model, shared, every_layer);
  if (const Format* gathered = find_format(s.training.sharding.gathered)) {
    shared.weights = gathered;
    if (!flat) shared.inputs = gathered;
    if (shared.norms) shared.norms = gathered;
    if (shared.adaptation) shared.adaptation->format = gathered;
  }
  std::unique_ptr<RankProgram> ranks;
  if (flat) {
    LayerInput kept;
    if (plan.checkpointing && s.training.sharding.reentrant)
      kept = {{plan.micro_batch, plan.tokens, s.model->hidden}, shared.weights};
    ranks = std::make_unique<FlatShard>(sharding, l.backward_prefetch == "pre", kept, std::move(stored));
  }
  if (!flat) ranks = std::make_unique<FullyShard>(sharding, std::move(stored));
  shared.ranks = ranks.get();
  run_training_step(m, *s.model, shared, every_layer);
}

}  // namespace gpumem
