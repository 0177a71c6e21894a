#include "machine/schedule.hpp"

#include <algorithm>

namespace gpumem {
namespace {

constexpr int longest_period = 8;

/// How many layers from `start` on repeat with that period.
int run_length(const std::vector<int>& kinds, int start, int period) {
  const int count = static_cast<int>(kinds.size());
  int end = std::min(start + period, count);
  while (end < count && kinds[static_cast<std::size_t>(end)] == kinds[static_cast<std::size_t>(end - period)]) ++end;
  return end - start;
}

/// Two periods and a layer run before the gap (the second stands for the missing ones, the layer after it shows what
/// it leaves behind), one period and two layers after it.
int missing_periods(int run, int period) { return (run - (2 * period + 1) - (period + 2)) / period; }

}  // namespace

Schedule plan_layers(const std::vector<int>& kinds, bool compressed) {
  Schedule plan;
  const int count = static_cast<int>(kinds.size());
  for (int at = 0; at < count;) {
    int period = 1, missing = 0, run = run_length(kinds, at, 1);
    for (int p = 1; compressed && p <= longest_period; ++p) {
      const int length = run_length(kinds, at, p);
      const int skipped = missing_periods(length, p);
      if (skipped * p > missing * period && skipped > 0) period = p, missing = skipped, run = length;
    }
    for (int i = 0; i < run; ++i) {
      const int after = 2 * period;
      if (missing > 0 && i == after + 1) {
        plan.gaps.push_back({at + after, period, at + period, at + 2 * period - 1, missing});
        i += missing * period;
      }
      plan.layers.push_back(at + i);
    }
    at += run;
  }
  return plan;
}

}  // namespace gpumem
