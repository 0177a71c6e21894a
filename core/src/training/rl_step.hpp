#pragma once
// One step of training by preferences or rewards, as TRL's trainers run it.

#include "training/step.hpp"

namespace gpumem {

struct RlPlan {
  enum class Loss {
    pairs,     ///< answers of the data, scored token by token: chosen and rejected ones in one batch (DPO), or any (KTO)
    groups,    ///< answers that the model gave itself (GRPO, RLOO)
    logits,    ///< pairs again, scored from whole logits (CPO, SimPO, ORPO)
    rewards,   ///< pairs, each sequence scored by one number (reward models)
  };
  Loss loss = Loss::pairs;
  double sequences = 2;             ///< in one forward
  double scored = 1;                ///< tokens of each that are scored
  bool likelihood = false;          ///< of chosen answers, a part of the loss
  bool reference = false;           ///< another model, or this one without its adapters, scores the batch too
  bool scored_before = false;       ///< the model itself scores the answers before it is trained on them
  Bytes pool_weights, pool_rest;    ///< of an engine on the same card that gives the answers
  bool sleeps = false;              ///< it lets go of them while the model is trained
};

/// Runs the step on `m`, which must be new. Phases beside those of step.hpp: rollout, scoring (both before forward), reference.
void run_rl_step(Machine& m, const Decoder& model, const TrainingPlan& plan, const RlPlan& rl, bool every_layer = false);

}  // namespace gpumem
