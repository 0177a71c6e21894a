#include "estimate/spread_training.hpp"

#include "placement/fsdp2.hpp"

namespace gpumem {

void run_spread_step(Machine& m, const Scenario& s, const TrainingPlan& plan, bool every_layer) {
  const RankLayout& l = s.layout;
  ShardingPlan sharding;
  sharding.ranks = l.shard_group;
  sharding.replicated = l.data > l.shard_group;
  sharding.reduced = find_format(s.training.sharding.reduced);
  sharding.reshard = l.reshard_after_forward;
  sharding.accumulating = plan.accumulating;
  FullyShard ranks(sharding, parameters_of(*s.model, plan, every_layer));
  TrainingPlan shared = plan;
  if (const Format* gathered = find_format(s.training.sharding.gathered)) {
    shared.weights = gathered;
    if (shared.norms) shared.norms = gathered;
    if (shared.adaptation) shared.adaptation->format = gathered;
  }
  shared.ranks = &ranks;
  run_training_step(m, *s.model, shared, every_layer);
}

}  // namespace gpumem
