#pragma once
// SGLang: a share of the device for weights and cache, the rest for activations and graphs; a pool counted in tokens.
// Source: [sglang] python/sglang/srt/server_args.py, mem_cache/memory_pool.py

#include <string>

#include "architectures/cache_rows.hpp"
#include "layers/decoder.hpp"
#include "machine/format.hpp"

namespace gpumem {

/// What it takes by the size of the device's memory.
struct SglangTier {
  double chunk = 2048, graph_batch = 8;
};
SglangTier sglang_tier(double memory_gib, double ranks);

/// `mem_fraction_static`, as it is derived where it is not given.
double sglang_static_share(Bytes memory, double chunk, double graph_batch, double ranks);

/// The same share where the model reads images, by the layers and the width of its tower.
double sglang_share_beside_tower(double share, double tower_layers, double tower_width);

struct TokenPoolPlan {
  const Format* cache = nullptr;
  const Format* compute = nullptr;
  const Format* state = nullptr;
  double ranks = 1;
};

/// What a token takes in a pool that holds every token of it, and one of which layers with windows hold a share.
struct TokenCells {
  Bytes full, windowed;
  Bytes state;                       ///< of one sequence, in recurrent layers
};

TokenCells token_cells(const Decoder& model, const TokenPoolPlan& plan);
TokenCells token_cells(const CacheRows& rows, const TokenPoolPlan& plan);

}  // namespace gpumem
