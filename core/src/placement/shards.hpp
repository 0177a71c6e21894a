#pragma once
// One rank's part of a tensor that is cut along its first extent.

#include "machine/parameters.hpp"

namespace gpumem {

/// Rows of that rank's part: equal parts, the last ones shorter or empty.
/// Source: [pytorch-fsdp2] torch/distributed/fsdp/_fully_shard/_fsdp_common.py _chunk_with_empty
double rows_of_rank(double rows, double ranks, double rank);

/// The first rank's part, which no other exceeds; what is sent and received has this shape on every rank.
Shape shard_of(Shape whole, double ranks);

/// The whole, filled up so that all parts are equal.
Shape padded_for(Shape whole, double ranks);

}  // namespace gpumem
