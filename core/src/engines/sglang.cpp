#include "engines/sglang.hpp"

#include <algorithm>

#include "engines/vllm/cache_specs.hpp"

namespace gpumem {
namespace {

/// Source: [sglang] srt/server_args.py ServerArgs._handle_gpu_memory_settings
struct TierRow {
  double below_gib, chunk, graph_batch, graph_batch_of_many;
};
constexpr TierRow tiers[] = {{20, 2048, 8, 8}, {35, 2048, 24, 80}, {60, 4096, 32, 160}, {160, 8192, 256, 512}, {1e9, 16384, 512, 512}};

/// vLLM's blocks of one token are the cells of a pool counted in tokens.
TokenCells cells(const std::vector<vllm::CacheSpec>& specs) {
  TokenCells made;
  for (const vllm::CacheSpec& s : specs) {
    Bytes& to = s.kind == vllm::CacheSpec::Kind::window ? made.windowed : made.full;
    if (s.kind != vllm::CacheSpec::Kind::state) to += s.page * s.layers;
  }
  return made;
}

vllm::SpecPlan one_token(const TokenPoolPlan& plan) { return {plan.cache, plan.compute, plan.state, 1, plan.ranks, 1}; }

}  // namespace

SglangTier sglang_tier(double memory_gib, double ranks) {
  if (memory_gib == 0) return {4096, 160};   // where it cannot tell
  for (const TierRow& row : tiers)
    if (memory_gib < row.below_gib) return {row.chunk, ranks < 4 ? row.graph_batch : row.graph_batch_of_many};
  return {};
}

/// In MB of the device: a constant, activations of a chunk, graphs of the largest batch, and buffers of several GPUs.
double sglang_static_share(Bytes memory, double chunk, double graph_batch, double ranks) {
  const double all = in(mib, memory), large = 60 * 1024, least_of_large = 10 * 1024;
  double reserve = 512 + 1.5 * std::max(chunk, 2048.0) + 2 * graph_batch + 1024 * ranks / 8;
  if (all > large) reserve = std::max(reserve, least_of_large);
  return std::max(0.01, (all - reserve) / all);
}

/// A twentieth less for a tower as large as ViT-L/14, a tenth of it less for each such tower more.
/// Source: [sglang] srt/server_args.py ServerArgs.adjust_mem_fraction_for_vlm
double sglang_share_beside_tower(double share, double tower_layers, double tower_width) {
  constexpr double usual = 0.95, layers_of_large = 24, width_of_large = 1024, each = 0.1, least = 0.8, most = 1.05;
  const double times = tower_layers * tower_width * tower_width / (layers_of_large * width_of_large * width_of_large);
  return share * usual * std::clamp(1 - each * (times - 1), least, most);
}

TokenCells token_cells(const Decoder& model, const TokenPoolPlan& plan) { return cells(vllm::specs_of(model, one_token(plan))); }

TokenCells token_cells(const CacheRows& rows, const TokenPoolPlan& plan) {
  CacheRows kept = rows;
  std::erase_if(kept.rows, [](const CacheRow& r) { return r.per_token == 0; });
  TokenCells made = cells(vllm::specs_of(kept, one_token(plan)));
  for (const CacheRow& r : rows.rows)
    if (r.per_token == 0) made.state += vllm::state_of_layer(r, one_token(plan)) * r.layers;
  return made;
}

}  // namespace gpumem
