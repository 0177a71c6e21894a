#pragma once
#include <vector>

#include "machine/machine.hpp"

namespace gpumem {

/// Parts put side by side into one tensor of that shape, each as it comes; their gradients are views of the whole's.
Value glue(Machine& m, const std::vector<Value>& parts, const Shape& shape, const char* label);

}  // namespace gpumem
