#pragma once
// Losses of preferences that look at whole logits.

#include "layers/model.hpp"

namespace gpumem {

/// The loss of logits [2b, s, V], chosen answers first: the chances of both, and (`likelihood`) the chosen ones' cross entropy.
Value pairs_of_logits(Machine& m, const Value& logits, bool likelihood);

}  // namespace gpumem
