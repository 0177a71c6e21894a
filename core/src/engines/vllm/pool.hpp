#pragma once
// The pool that vLLM's cache draws its blocks from.

#include "engines/vllm/cache_groups.hpp"

namespace gpumem::vllm {

struct Pool {
  Bytes block;                   ///< one block, of the layers of one group
  double blocks = 0;             ///< the pool's
  double blocks_per_request = 0; ///< of the longest request, over all groups
  [[nodiscard]] Bytes size() const { return block * blocks; }
  [[nodiscard]] Bytes request() const { return block * blocks_per_request; }
  /// Longest requests at once, as the log prints it.
  [[nodiscard]] double concurrency() const;
};

/// Whole blocks of what is available.
/// Source: [vllm-cache-planner] get_kv_cache_config_from_groups
Pool pool_of_size(const CacheGroups& groups, const RequestLimits& limits, Bytes available);

/// A pool of that many blocks.
Pool pool_of_blocks(const CacheGroups& groups, const RequestLimits& limits, double blocks);

/// "GPU KV cache size": tokens of so many longest requests.
/// Source: [vllm-cache-planner] get_kv_cache_capacity
double tokens_that_fit(const Pool& pool, double longest_request);

}  // namespace gpumem::vllm
