#include "engines/exllama.hpp"

#include <cmath>

namespace gpumem {
namespace {

constexpr double byte_bits = 8, group = 32, half_bytes = 2, page = 256;

struct Mode {
  std::string_view name;
  double second_keys, second_values, third;   ///< bits; 0: that version has none
};
/// V2's Q6 keeps keys in 8 and values in 4 bits.
constexpr Mode modes[] = {{"FP16", 16, 16, 16}, {"FP8", 8, 8, 0}, {"Q8", 8, 8, 8}, {"Q6", 8, 4, 6}, {"Q4", 4, 4, 4}};

bool is_width(char c) { return c >= '2' && c <= '8'; }

}  // namespace

bool exllama_cache_of(std::string_view mode, bool third, ExllamaCache& cache) {
  for (const Mode& m : modes) {
    if (mode != m.name || (third && m.third == 0)) continue;
    cache = {third ? m.third : m.second_keys, third ? m.third : m.second_values, mode[0] == 'Q'};
    return true;
  }
  constexpr std::size_t two_digits = 3;
  if (!third || mode.size() != two_digits || !is_width(mode[0]) || mode[1] != ',' || !is_width(mode[2])) return false;
  cache = {static_cast<double>(mode[0] - '0'), static_cast<double>(mode[2] - '0'), true};
  return true;
}

Bytes exllama_row(const ExllamaCache& c, double numbers) {
  const double scales = c.scaled ? 2 * std::floor(numbers / group) * half_bytes : 0;
  return bytes(numbers * (c.key_bits + c.value_bits) / byte_bits + scales);
}

double exllama_tokens(double asked) { return std::ceil(asked / page) * page; }

}  // namespace gpumem
