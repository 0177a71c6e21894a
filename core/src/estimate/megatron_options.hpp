#pragma once
// What Megatron-LM's own options say of memory.

#include "layers/megatron/share.hpp"
#include "placement/megatron_stages.hpp"

namespace gpumem {

struct MegatronOptions {
  megatron::Spread spread;
  megatron::Recompute recompute;
  megatron::Share::Loss loss = megatron::Share::Loss::engine;
  megatron::ContextExchange exchange = megatron::ContextExchange::ring;
  bool fused_activation = true;
  bool shared_overlapped = false, balance_loss = false;
  const Format* router = bf16;
  bool wide_gradients = true;      ///< main gradients in fp32
  bool precision_aware = false;    ///< the optimizer keeps its states in formats of their own
  const Format* moments[2] = {fp32, fp32};
  bool sharded = false;            ///< use_distributed_optimizer
  bool whole_layers = false;       ///< recompute_granularity full
};

}  // namespace gpumem
