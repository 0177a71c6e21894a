#include "machine/allocation_log.hpp"

namespace gpumem {

double AllocationLog::most_reserved(const AllocatorOptions& options, int steps) const {
  CachingAllocator allocator(options);
  std::vector<int> at(static_cast<std::size_t>(handles_), -1);
  const auto ask = [&](const Event& e) {
    int& handle = at[static_cast<std::size_t>(e.handle)];
    if (e.bytes == released) {
      allocator.release(handle);
      handle = -1;
    } else if (handle < 0) {
      handle = allocator.allocate(e.bytes, e.count);
    }
  };
  for (int step = 0; step < steps; ++step) {
    for (std::size_t i = step == 0 ? 0 : once_; i < events_.size(); ++i) {
      if (step == 0 && i == states_at_)
        for (const Event& e : states_) ask(e);
      ask(events_[i]);
    }
    // What a step leaves behind goes before the next one asks for it again.
    for (std::size_t i = once_; i < events_.size(); ++i)
      if (events_[i].bytes != released) {
        int& handle = at[static_cast<std::size_t>(events_[i].handle)];
        allocator.release(handle);
        handle = -1;
      }
  }
  return allocator.most_reserved();
}

}  // namespace gpumem
