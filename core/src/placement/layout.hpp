#pragma once
// How a model and its batch are spread over ranks.

#include <string>

namespace gpumem {

struct RankLayout {
  double data = 1, tensor = 1, pipeline = 1, context = 1, expert = 1;
  double virtual_stages = 1;          ///< of a pipeline, on each rank
  std::string schedule = "1f1b";
  bool sequence_parallel = true;      ///< only of meaning under tensor parallelism
  int zero = 0;                       ///< what is sharded over the data ranks: 1 states, 2 and gradients, 3 and weights
  double shard_group = 1;             ///< ranks that share one shard; the others hold the same
  int fsdp_version = 2;
  bool reshard_after_forward = true;
  std::string backward_prefetch = "pre";

  /// GPUs in all. Expert parallelism lies inside data × tensor × context and brings none of its own.
  [[nodiscard]] double ranks() const { return data * tensor * pipeline * context; }
};

}  // namespace gpumem
