#pragma once
// What each layer of a model keeps under vLLM.

#include <vector>

#include "architectures/cache_rows.hpp"
#include "engines/vllm/cache_groups.hpp"
#include "layers/decoder.hpp"
#include "machine/format.hpp"

namespace gpumem::vllm {

struct SpecPlan {
  const Format* cache = nullptr;     ///< of keys and values
  const Format* compute = nullptr;   ///< of a convolution's inputs
  const Format* state = nullptr;     ///< of recurrent states
  double block_tokens = 16;
  double ranks = 1;                  ///< of tensor parallelism
  double states_per_request = 1;     ///< 2 where prefixes are kept: the one before and the running one
};

/// Blocks of latent attention are of 64 tokens, others of 16, where nobody says otherwise.
/// Source: [vllm-cache-planner] vllm/v1/attention/backends/mla/flashmla.py
double usual_block(bool latent);

/// Heads of keys and values on one GPU: each has at least one, so few heads are there several times.
/// Source: [vllm] vllm/config/model.py ModelConfig.get_num_kv_heads
double heads_of_rank(double heads, double ranks);

/// A convolution's inputs and a state, each on the GPU whose heads they belong to.
/// Source: [vllm] vllm/model_executor/layers/mamba/mamba_utils.py MambaStateShapeCalculator
Bytes state_of_layer(const CacheRow& row, const SpecPlan& plan);

std::vector<CacheSpec> specs_of(const Decoder& model, const SpecPlan& plan);
std::vector<CacheSpec> specs_of(const CacheRows& rows, const SpecPlan& plan);

}  // namespace gpumem::vllm
