#pragma once
// Linears split over ranks by PyTorch's DTensor, with hidden states between them split along the sequence: what has to be
// whole is gathered, sums of parts are scattered again.
// Source: [torchtitan] models/llama3/parallelize.py apply_tp; [pytorch-dtensor] torch/distributed/tensor/parallel/style.py

#include "machine/machine.hpp"

namespace gpumem {

/// x [b, s/ranks, w] of each rank → [b, s, w]; backward sums the ranks' gradients and keeps this rank's part.
Value gather_sequence(Machine& m, Value x, double ranks);

/// x [b, s, w], a part of a sum over ranks → [b, s/ranks, w], this rank's part of the sum; backward gathers.
Value scatter_sequence(Machine& m, Value x, double ranks);

/// Rows of a table [V/ranks, h] whose words lie on several ranks: ids [b, s] → [b, s, h], this rank's part of a sum. Backward
/// makes the gradient of every word on each rank, and keeps this rank's.
Value embedding_of_split_words(Machine& m, const Value& ids, const Value& table, double ranks);

/// The loss of logits [R, V/ranks] whose classes lie on several ranks; a scalar.
Value loss_of_split_classes(Machine& m, Value logits, Value targets);

}  // namespace gpumem
