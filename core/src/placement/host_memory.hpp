#pragma once
// What one process keeps in the processor's memory.

#include <string_view>
#include <vector>

#include "machine/component.hpp"
#include "machine/parameters.hpp"

namespace gpumem {

namespace catalog {
struct OptimizerRow;
}

/// Page-locked memory comes in powers of two; the rest is taken as it is.
/// Source: [pytorch] ATen/core/CachingHostAllocator.h allocate: PowerOf2Ceil
struct HostMemory {
  Parts parts;
  void add(Component use, Bytes size, bool pinned);
  /// Of parameters stepped on there.
  void add_states(const catalog::OptimizerRow& optimizer, std::string_view step, const std::vector<Parameter>& parameters);
};

}  // namespace gpumem
