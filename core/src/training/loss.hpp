#pragma once
#include "machine/machine.hpp"

namespace gpumem {

/// Cross entropy of logits [b, s, V] against labels [b, s] shifted by one.
Value causal_loss(Machine& m, const Value& logits, const Value& labels);

}  // namespace gpumem
