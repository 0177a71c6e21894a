#pragma once
// Counts what is alive, by component, and remembers the highest moment of every stretch of the step.

#include <string_view>
#include <vector>

#include "machine/component.hpp"

namespace gpumem {

/// A stretch of the step: one phase at one place (a layer, or outside the layers).
struct Stretch {
  std::string_view phase;
  int layer = 0;
  Bytes highest;
  Parts parts;        ///< what was alive at that moment; sums to `highest`
  long moment = 0;    ///< number of the moment, to find it again in a second run
};

class Ledger {
 public:
  /// Adds `raw` bytes to a component and what the allocator's rounding adds to `Component::rounding`.
  void add(Component component, Bytes raw, Bytes rounded, double copies) {
    parts_[component] += raw * copies;
    parts_[Component::rounding] += (rounded - raw) * copies;
    live_ += rounded * copies;
  }
  void remove(Component component, Bytes raw, Bytes rounded, double copies) {
    parts_[component] -= raw * copies;
    parts_[Component::rounding] -= (rounded - raw) * copies;
    live_ -= rounded * copies;
  }

  /// A moment worth remembering: after an allocation, while its operands are still alive.
  /// True if a second run asked to stop here.
  bool note() {
    ++moments_;
    if (!stretches_.empty() && live_ > stretches_.back().highest) {
      Stretch& now = stretches_.back();
      now.highest = live_;
      now.parts = parts_;
      now.moment = moments_;
    }
    return moments_ == awaited_;
  }

  /// Begins a stretch; what is alive at its beginning counts as a moment of it.
  bool enter(std::string_view phase, int layer) {
    stretches_.push_back({phase, layer, bytes(-1), {}, 0});
    return note();
  }
  [[nodiscard]] std::string_view phase() const { return stretches_.empty() ? "" : stretches_.back().phase; }

  void await(long moment) { awaited_ = moment; }
  [[nodiscard]] Bytes live() const { return live_; }
  [[nodiscard]] const Parts& parts() const { return parts_; }
  [[nodiscard]] const std::vector<Stretch>& stretches() const { return stretches_; }

 private:
  Bytes live_;
  Parts parts_;
  std::vector<Stretch> stretches_;
  long moments_ = 0;
  long awaited_ = -1;
};

}  // namespace gpumem
