#pragma once
// ExLlamaV2 and V3: a cache of fixed size for all sequences, in fp16 or in groups of 32 numbers with a scale each.
// Source: [exllamav2] exllamav2/cache.py; [exllamav3] exllamav3/cache/fp16.py, quant.py

#include <string_view>

#include "gpumem/units.hpp"

namespace gpumem {

struct ExllamaCache {
  double key_bits = 16, value_bits = 16;
  bool scaled = false;              ///< a scale for each group; FP8 of V2 has none
  [[nodiscard]] bool packed() const { return key_bits < 16; }
};

/// Which cache a `cache_mode` stands for: FP16, FP8, Q8, Q6, Q4, under V3 also "keys,values" in bits; false: none.
bool exllama_cache_of(std::string_view mode, bool third, ExllamaCache& cache);

/// Of one token in one layer, with so many numbers of keys and as many of values.
Bytes exllama_row(const ExllamaCache& cache, double numbers);

/// Tokens come in pages of 256.
double exllama_tokens(double asked);

}  // namespace gpumem
