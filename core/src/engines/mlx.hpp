#pragma once
// mlx-lm's caches: rows for the tokens, made 256 at a time, in the format the model computes in or in groups of few bits.
// Source: [mlx-lm] mlx_lm/generate.py generate_step; mlx_lm/models/cache.py KVCache, RotatingKVCache, QuantizedKVCache

#include "gpumem/units.hpp"
#include "machine/format.hpp"

namespace gpumem {

struct MlxCache {
  double prompt = 1, context = 1;   ///< tokens of a sequence
  double chunk = 2048;              ///< most tokens of the prompt in one pass
  double most_rows = 0;             ///< max_kv_size; 0: every token is kept
  double bits = 0, group = 64;      ///< of numbers; 0 bits: as the model computes
  double quantized_from = 5000;     ///< tokens before that lie as they are
};

/// Rows of one sequence when most are held.
double mlx_rows(const MlxCache& cache);

/// Whether the cache lies in groups when the last token is there.
bool mlx_quantized(const MlxCache& cache);

/// A row's numbers, of keys or of values.
Bytes mlx_row(const MlxCache& cache, double numbers, const Format& compute);

}  // namespace gpumem
