#include "engines/vllm/cache_groups.hpp"

#include <algorithm>
#include <cmath>

namespace gpumem::vllm {
namespace {

using Kind = CacheSpec::Kind;

bool all(const std::vector<CacheSpec>& specs, bool (CacheSpec::*alike)(const CacheSpec&) const) {
  return std::all_of(specs.begin(), specs.end(), [&](const CacheSpec& s) { return (s.*alike)(specs[0]); });
}

std::vector<CacheSpec> merged(const std::vector<CacheSpec>& specs) {
  std::vector<CacheSpec> kinds;
  for (const CacheSpec& s : specs) {
    const auto known = std::find_if(kinds.begin(), kinds.end(), [&](const CacheSpec& k) { return k.same(s); });
    if (known == kinds.end()) kinds.push_back(s);
    else known->layers += s.layers;
  }
  return kinds;
}

/// One group of layers with pages of any size: a block holds a page of each.
CacheGroups one_group(const std::vector<CacheSpec>& specs) {
  CacheGroups made;
  made.groups = {{specs[0], 1}};
  for (const CacheSpec& s : specs) made.block += s.page * s.layers;
  return made;
}

/// Smaller pages grow to the largest: by more tokens where that goes without rest, else by padding.
/// Source: [vllm-cache-planner] unify_kv_cache_spec_page_size
bool unify_pages(std::vector<CacheSpec>& specs) {
  Bytes largest;
  for (const CacheSpec& s : specs) largest = std::max(largest, s.page);
  for (CacheSpec& s : specs) {
    const double ratio = largest / s.page;
    if (s.kind != Kind::state && ratio == std::floor(ratio)) s.block_tokens *= ratio;
    else if (s.latent) return false;
    s.page = largest;
  }
  return true;
}

}  // namespace

/// A window may begin inside a block: one more. A state's page is padded, so a request takes whole ones of it.
/// Source: [vllm-cache-planner] SlidingWindowSpec.max_admission_blocks_per_request, ChunkedLocalAttentionSpec, MambaSpec
double blocks_of_request(const CacheSpec& s, const RequestLimits& limits) {
  switch (s.kind) {
    case Kind::window: return std::ceil(std::min(s.reach - 1 + limits.in_flight, limits.tokens) / s.block_tokens) + 1;
    case Kind::chunk: return std::ceil(std::min(s.reach + limits.in_flight, limits.tokens) / s.block_tokens);
    case Kind::state: return s.blocks;
    case Kind::full: break;
  }
  return std::ceil(limits.tokens / s.block_tokens);
}

/// Groups are of the size of the rarest kind, or of the most frequent if that is less than half again as frequent; the
/// last group of a kind is filled up with layers that do not exist.
/// Source: [vllm-cache-planner] _get_kv_cache_groups_uniform_page_size
CacheGroups group_layers(std::vector<CacheSpec> specs, bool hybrid) {
  const bool any_full = std::any_of(specs.begin(), specs.end(), [](const CacheSpec& s) { return s.kind == Kind::full; });
  if (!hybrid && any_full)
    for (CacheSpec& s : specs)
      if (s.kind != Kind::state) s.kind = Kind::full, s.reach = 0;
  specs = merged(specs);
  if (specs.empty()) return {};
  if (all(specs, &CacheSpec::same_kind)) return one_group(specs);
  if (!unify_pages(specs)) return {{}, {}, false};
  specs = merged(specs);
  double fewest = specs[0].layers, most = 0;
  for (const CacheSpec& s : specs) {
    fewest = std::min(fewest, s.layers);
    most = std::max(most, s.layers);
  }
  const double size = most < fewest * 1.5 ? most : fewest;
  CacheGroups made;
  made.block = specs[0].page * size;
  for (const CacheSpec& s : specs) made.groups.push_back({s, std::ceil(s.layers / size)});
  return made;
}

}  // namespace gpumem::vllm
