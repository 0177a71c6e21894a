#include "engines/mlx.hpp"

#include <algorithm>
#include <cmath>

namespace gpumem {
namespace {

constexpr double step = 256;
double in_steps(double rows) { return std::ceil(rows / step) * step; }

/// Where there is no room for a pass, rows that hold no token yet are cut off and room for the pass is added.
/// Source: [mlx-lm] models/cache.py KVCache.update_and_fetch
double grown(double rows, double held, double added) {
  if (held + added <= rows) return rows;
  return (std::fmod(held, step) != 0 ? held : rows) + in_steps(added);
}

/// Passes of the prompt are kept whole behind what the window holds; single tokens take places one by one.
/// Source: [mlx-lm] models/cache.py RotatingKVCache._update_concat, _update_in_place
double turning_rows(const MlxCache& c) {
  const double read = c.prompt - 1, passes = std::ceil(read / c.chunk), last = read - c.chunk * (passes - 1);
  const auto after = [&](double held, double added) { return std::min(held, c.most_rows - 1) + added; };
  double rows = read > 0 ? after(read - last, last) : 0;
  double most = rows;
  if (passes > 1) most = std::max(most, after(c.chunk * (passes - 2), c.chunk));
  rows = std::min(rows, c.most_rows);
  if (c.context > rows && rows < c.most_rows) rows = std::min(rows + in_steps(c.context - rows), c.most_rows);
  return std::max(most, rows);
}

}  // namespace

/// The last token of a prompt is read by the first of the single steps.
double mlx_rows(const MlxCache& c) {
  if (c.most_rows > 0) return turning_rows(c);
  double rows = 0, held = 0;
  while (c.prompt - 1 - held > 0) {
    const double added = std::min(c.chunk, c.prompt - 1 - held);
    rows = grown(rows, held, added);
    held += added;
  }
  return c.context > rows ? rows + in_steps(c.context - rows) : rows;
}

bool mlx_quantized(const MlxCache& c) { return c.bits > 0 && c.context >= c.quantized_from; }

/// Packed numbers, a scale and a bias a group.
Bytes mlx_row(const MlxCache& c, double numbers, const Format& compute) {
  if (!mlx_quantized(c)) return stored_bytes(elements(numbers), compute);
  constexpr double byte_bits = 8;
  return bytes(numbers * c.bits / byte_bits) + stored_bytes(elements(2 * numbers / c.group), compute);
}

}  // namespace gpumem
