#pragma once
// vLLM's planning of its cache: layers that keep alike become groups of equal size, which share one pool of blocks.
// Source: [vllm-cache-planner] vllm/v1/core/kv_cache_utils.py get_kv_cache_groups, vllm/v1/kv_cache_interface.py

#include <vector>

#include "gpumem/units.hpp"

namespace gpumem::vllm {

/// What so many layers keep, and in what pieces.
struct CacheSpec {
  enum class Kind { full, window, chunk, state };
  Kind kind = Kind::full;
  double layers = 0;
  double block_tokens = 16;
  Bytes page;                ///< one block of one layer
  double reach = 0;          ///< tokens of a window (the newest included) or of a chunk
  double blocks = 0;         ///< state: blocks a request holds, whatever its length
  bool latent = false;       ///< read in whole rows: its pages cannot be padded

  [[nodiscard]] bool same_kind(const CacheSpec& o) const { return kind == o.kind && reach == o.reach && block_tokens == o.block_tokens; }
  [[nodiscard]] bool same(const CacheSpec& o) const { return same_kind(o) && page == o.page; }
};

/// So many groups alike.
struct CacheGroup {
  CacheSpec spec;
  double count = 1;
};

struct CacheGroups {
  std::vector<CacheGroup> groups;
  Bytes block;               ///< what one block takes in the pool: the largest group's
  bool packed = true;        ///< false: these pages cannot be made one size
};

/// How long requests are and how many tokens may be under way.
struct RequestLimits {
  double tokens = 0;         ///< of one request, at most
  double in_flight = 0;      ///< scheduled and not yet settled
};

/// Blocks of one group that one request holds.
double blocks_of_request(const CacheSpec& spec, const RequestLimits& limits);

/// `hybrid`: whether layers with windows give back what they no longer see; if not, they are billed as full ones.
CacheGroups group_layers(std::vector<CacheSpec> specs, bool hybrid);

}  // namespace gpumem::vllm
