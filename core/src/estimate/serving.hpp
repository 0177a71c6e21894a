#pragma once
// What engines that serve many requests from one pool are asked for: vLLM, SGLang, TensorRT-LLM.

#include <optional>
#include <string>

#include "architectures/fields.hpp"

namespace gpumem {

struct Scenario;

struct ServingScenario {
  double ranks = 1;                  ///< of tensor parallelism
  bool first_stage = true, last_stage = true;   ///< of a pipeline: where the token table lies, and norm and head
  std::optional<Bytes> pool;         ///< the size of the pool, where it is said
  double pool_blocks = 0;            ///< or its blocks
  double pool_tokens = 0;            ///< or its tokens
  double longest = 0;                ///< tokens of the longest request
  double batched_tokens = 0;         ///< in one forward pass, at most
  double requests = 0;               ///< at once, at most
  double block_tokens = 0;
  double in_flight = 0;              ///< tokens scheduled and not yet settled
  [[nodiscard]] bool several() const { return ranks > 1 || !first_stage || !last_stage; }
  bool async = true, hybrid = true, prefixes = true, graphs = true;
  std::string state_format;          ///< of recurrent states
  double memory_fraction = 0;        ///< of the device
  double window_share = 0.8;         ///< SGLang: tokens in layers with windows, of those in the others
  double state_slots = 0;            ///< SGLang: sequences with a recurrent state
};

/// Engines that take a pool for their cache before the first request comes.
bool serves(std::string_view engine);

/// The engine's own options; 0 for those that are not given.
void read_serving_options(Fields& options, Scenario& scenario);

/// `memoryFraction` and `cudaGraphs`, which engine options may say too.
void read_serving_fields(Fields& inference, Scenario& scenario);

// Those of engines whose pool is counted in tokens.
void read_token_pool(Fields& options, Scenario& scenario);
void complete_token_pool(Scenario& scenario);

/// Defaults, once hardware and layout are known; the options are echoed.
void complete_serving(Fields& request, Scenario& scenario);

}  // namespace gpumem
