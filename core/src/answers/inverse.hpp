#pragma once
// The largest number for which something has room.

#include <functional>
#include <optional>

namespace gpumem {

/// Bytes to spare at that number: negative where it does not fit, and less the larger the number is.
using Headroom = std::function<double(double)>;

/// The largest whole number of low..high that fits: it does and the next one does not. low - 1 where none does, nothing
/// where all do. The headroom is asked where a line through two answers crosses zero, which is nearly where it does.
/// What PyTorch's allocator holds does not always grow with what is asked of it: there may be other such numbers near.
std::optional<double> largest_that_fits(double low, double high, double start, const Headroom& headroom);

}  // namespace gpumem
