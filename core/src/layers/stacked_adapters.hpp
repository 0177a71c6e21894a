#pragma once
// LoRA of parameters that are no linear's: the matrices of stacked experts, and their router.

#include "layers/dense.hpp"

namespace gpumem {

/// Two factors whose product is added to each expert's matrix; none where the stack has no adapter.
struct StackFactors {
  Value up, down;
};

/// The factors for a stack of that shape, [experts, out, in]. They are tried once before they are used.
StackFactors stack_factors(Machine& m, const char* name, const Shape& stack, bool joint);

/// The stack with the factors' products added, made anew for each use.
Value with_factors(Machine& m, const Value& stack, const StackFactors& factors);

/// A router's weight [experts, in] with its adapter, if it has one.
Value adapted_router(Machine& m, const Value& weight);

}  // namespace gpumem
