#pragma once
// llama.cpp on one GPU, as far as it differs from transformers: how it lays out its cache.

#include "engines/transformers.hpp"

namespace gpumem {

/// Cells are padded to 256; each sequence has its own, or all share them. Layers with a window have room for it and one
/// batch, in models where some layers have none; elsewhere llama.cpp keeps every token.
/// Source: [llama-cpp-cache] llama_kv_cache_iswa, llama_context
void lay_out_llama_cpp_cache(const GenerationPlan& plan, const Decoder& model, KvCache& cache);

}  // namespace gpumem
