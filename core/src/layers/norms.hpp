#pragma once
#include "layers/decoder.hpp"
#include "machine/machine.hpp"

namespace gpumem {

/// x [..., width] normalised row by row, with parameters of its own.
Value normalise(Machine& m, const char* name, NormKind kind, Value x);

}  // namespace gpumem
