#include "engines/vllm/pool.hpp"

#include <algorithm>
#include <cmath>

namespace gpumem::vllm {

double Pool::concurrency() const { return blocks_per_request > 0 ? blocks / blocks_per_request : 0; }

Pool pool_of_blocks(const CacheGroups& groups, const RequestLimits& limits, double blocks) {
  Pool pool{groups.block, blocks};
  for (const CacheGroup& g : groups.groups) pool.blocks_per_request += blocks_of_request(g.spec, limits) * g.count;
  return pool;
}

Pool pool_of_size(const CacheGroups& groups, const RequestLimits& limits, Bytes available) {
  const double blocks = groups.block > Bytes() ? std::floor(available / groups.block) : 0;
  return pool_of_blocks(groups, limits, std::max(0.0, blocks));
}

double tokens_that_fit(const Pool& pool, double longest_request) { return std::floor(pool.concurrency() * longest_request); }

}  // namespace gpumem::vllm
