#pragma once
// One rank of a training step under Megatron-LM: the layers of its pipeline stage, micro-batches in flight, main gradients
// and its shard of the optimizer's states.

#include <vector>

#include "layers/megatron/share.hpp"

namespace gpumem::megatron {

/// Layers that follow each other on one rank.
struct Chunk {
  int first = 0, count = 0;
  bool embeds = false, heads = false;
  double waiting = 0;   ///< micro-batches whose forward pass is done when the peak comes, beside the one that runs
};

/// What is kept of every parameter, and over how many ranks it is shared.
struct States {
  const Format* weights = bf16;
  const Format* gradients = fp32;
  const Format* moments = fp32;
  double main_bytes = 4;         ///< of the main copy of a number; 0: the weights are the main copy
  double moment_count = 2;
  bool moments_widened = false;  ///< a step works on fp32 copies of the moments of one optimizer at a time
  bool gradients_widened = false;   ///< it works on fp32 copies of the gradients
  double shards = 1, expert_shards = 1;   ///< ranks that share the states of dense weights, of experts
};

struct Stage {
  const Decoder* model = nullptr;   ///< this rank's part of every layer
  Share share;
  States states;
  std::vector<Chunk> chunks;
  std::size_t running = 0;          ///< the chunk that runs when the peak comes
  bool steady = false;              ///< micro-batches came and went before; passed on through a pipeline of single chunks
  double rotary_tokens = 0;         ///< rows of the table of angles
  Bytes workspace;                  ///< of one product's kernel
};

/// Runs the stage on `m`, which must be new. Phases of its ledger: forward, loss, backward, optimizer-step.
void run_stage(Machine& m, const Stage& stage);

/// Numbers in the dense weights of a stage and in its experts, for a machine that ran it.
struct Counts {
  double dense = 0, experts = 0;
};
Counts parameter_counts(const Machine& m);

}  // namespace gpumem::megatron
