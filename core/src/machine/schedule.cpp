#include "machine/schedule.hpp"

#include <algorithm>

#include "machine/parts.hpp"

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
/// it leaves behind), and one period after it; two layers more where the way back begins there.
int missing_periods(int run, int period, Passes passes) { return (run - (3 * period + 1) - (passes == Passes::forward ? 0 : 2)) / period; }

}  // namespace

Schedule plan_layers(const std::vector<int>& kinds, bool compressed, Passes passes) {
  Schedule plan;
  const int count = static_cast<int>(kinds.size());
  for (int at = 0; at < count;) {
    int period = 1, missing = 0, run = run_length(kinds, at, 1);
    for (int p = 1; compressed && p <= longest_period; ++p) {
      const int length = run_length(kinds, at, p);
      const int skipped = missing_periods(length, p, passes);
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

Schedule plan_layers(const std::vector<int>& kinds, int together, bool compressed) {
  if (!whole_engine || together <= 1) return plan_layers(kinds, compressed);
  const int count = static_cast<int>(kinds.size());
  const auto first = [&](int group) { return group * together; };
  const auto last = [&](int group) { return std::min(count, (group + 1) * together) - 1; };
  std::vector<std::vector<int>> distinct;
  std::vector<int> groups;
  for (int g = 0; first(g) < count; ++g) {
    const std::vector<int> inside(kinds.begin() + first(g), kinds.begin() + last(g) + 1);
    const auto same = std::find(distinct.begin(), distinct.end(), inside);
    groups.push_back(static_cast<int>(same - distinct.begin()));
    if (same == distinct.end()) distinct.push_back(inside);
  }
  const Schedule by_group = plan_layers(groups, compressed);
  Schedule plan;
  for (const int g : by_group.layers)
    for (int i = first(g); i <= last(g); ++i) plan.layers.push_back(i);
  for (const Gap& gap : by_group.gaps)
    plan.gaps.push_back({last(gap.after), gap.period * together, first(gap.source_first), last(gap.source_last), gap.periods});
  return plan;
}

}  // namespace gpumem
