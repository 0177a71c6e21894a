#pragma once
// What a run asked of the device's allocator, in order, to be asked again of a model of that allocator.

#include <vector>

#include "machine/caching_allocator.hpp"

namespace gpumem {

class AllocationLog {
 public:
  /// A number by which `count` equal allocations are released together.
  int allocate(Bytes size, double count) {
    events_.push_back({in(bytes, size), count, handles_});
    return handles_++;
  }
  void release(int& handle) {
    if (handle < 0) return;
    events_.push_back({released, 0, handle});
    handle = -1;
  }
  /// What was allocated so far stays for good: later steps find it there.
  void begin_step() { once_ = events_.size(); }
  /// States of the optimizer: the first step makes them only when it comes to `first_states`.
  int allocate_state(Bytes size, double count) {
    states_.push_back({in(bytes, size), count, handles_});
    return handles_++;
  }
  void first_states() { states_at_ = events_.size(); }

  /// The most that the allocator takes from the driver in so many steps of the kind that was run.
  [[nodiscard]] double most_reserved(const AllocatorOptions& options, int steps) const;

 private:
  static constexpr double released = -1;
  struct Event {
    double bytes, count;
    int handle;
  };
  std::vector<Event> events_, states_;
  std::size_t once_ = 0, states_at_ = 0;
  int handles_ = 0;
};

}  // namespace gpumem
