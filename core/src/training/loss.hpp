#pragma once
#include "layers/model.hpp"

namespace gpumem {

/// Cross entropy of logits [b, s, V] against labels [b, s] shifted by one.
Value causal_loss(Machine& m, const Value& logits, const Value& labels);

/// Cross entropy of logits [.., V] against as many labels, unshifted; in the logits' own format unless `widened`.
Value plain_loss(Machine& m, const Value& logits, const Value& labels, bool widened);

/// The same from hidden states [b, s, h], so many rows at a time: each chunk's logits are made again in backward.
Value chunked_loss(Machine& m, ModelRun& run, Value hidden, const Value& labels, double rows);

}  // namespace gpumem
