#include "estimate/timeline.hpp"

#include <algorithm>

namespace gpumem {
namespace {

Stretch between(const Stretch& a, const Stretch& b, double share, int layer) {
  Stretch made = a;
  made.layer = layer;
  for (std::size_t c = 0; c < component_count; ++c)
    made.parts.of[c] += whole((b.parts.of[c] - a.parts.of[c]) * share);
  made.highest = made.parts.sum();
  return made;
}

/// The stretch of that layer near position `from`, looking in that direction within the same pass.
const Stretch* find(const std::vector<Stretch>& all, std::size_t from, int step, int layer) {
  for (auto i = static_cast<std::ptrdiff_t>(from); i >= 0 && i < static_cast<std::ptrdiff_t>(all.size()); i += step) {
    const Stretch& s = all[static_cast<std::size_t>(i)];
    if (s.phase != all[from].phase) break;
    if (s.layer == layer) return &s;
  }
  return nullptr;
}

/// Fills the gap that lies between positions i and i + 1 of the stretches run.
void fill(std::vector<Stretch>& out, const std::vector<Stretch>& all, std::size_t i, const Gap& gap, bool forwards) {
  const int missing = gap.layers();
  for (int k = 1; k <= missing; ++k) {
    const int layer = forwards ? gap.after + k : gap.after + missing + 1 - k;
    const int below = gap.after - (gap.period - 1 - (layer - gap.after - 1) % gap.period);
    const int above = below + missing + gap.period;
    const Stretch* low = find(all, forwards ? i : i + 1, forwards ? -1 : 1, below);
    const Stretch* high = find(all, forwards ? i + 1 : i, forwards ? 1 : -1, above);
    if (low && high) out.push_back(between(*low, *high, static_cast<double>(layer - below) / (above - below), layer));
  }
}

}  // namespace

std::vector<Stretch> whole_timeline(const Run& run) {
  const std::vector<Stretch>& all = run.machine->memory.ledger.stretches();
  std::vector<Stretch> out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].phase.empty()) continue;   // parameters were declared, nothing ran
    out.push_back(all[i]);
    if (i + 1 == all.size() || all[i + 1].phase != all[i].phase) continue;
    for (const Gap& gap : run.schedule.gaps) {
      const int other_side = gap.after + gap.layers() + 1;
      if (all[i].layer == gap.after && all[i + 1].layer == other_side) fill(out, all, i, gap, true);
      if (all[i].layer == other_side && all[i + 1].layer == gap.after) fill(out, all, i, gap, false);
    }
  }
  return out;
}

}  // namespace gpumem
