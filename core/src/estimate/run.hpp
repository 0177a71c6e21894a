#pragma once
// A scenario with a model, run on the machine.

#include <memory>

#include "estimate/scenario.hpp"
#include "machine/machine.hpp"
#include "machine/schedule.hpp"
#include "quantization/stored_weights.hpp"

namespace gpumem {

struct Run {
  StoredWeights stored;          ///< of a mix; first, because the machine's tensors point to its names
  std::unique_ptr<Machine> machine;
  Schedule schedule;
  Stretch peak;                  ///< the highest stretch of all
  Bytes reserved;                ///< what PyTorch's allocator takes from the driver for it
  Bytes cache;                   ///< what the KV cache holds at the end
  Parts host;                    ///< what lies in the host's memory
  Bytes file;                    ///< the tensors of the checkpoint
  double trainable = 0, total = 0;   ///< parameters
  double active = 0;             ///< those that work on one token: of experts the routed share
};

/// Runs the whole step or generation once; with Detail::tensors a second time up to the peak, to see what is alive.
/// `every_layer` runs identical layers one by one instead of once for all: slower, the same answer.
Run run_scenario(const Scenario& scenario, bool every_layer = false);

/// How PyTorch's allocator is set up for it.
AllocatorOptions allocator_options(const Scenario& scenario);

}  // namespace gpumem
