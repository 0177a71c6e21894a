#pragma once
#include <utility>

#include "layers/decoder.hpp"
#include "layers/pass.hpp"

namespace gpumem {

/// cos and sin [1, tokens, dim] of these positions, in the model's format unless the layers want them in fp32; one table
/// of complex numbers where pairs are turned as such.
RotaryTables rotary_tables(Machine& m, const AttentionLayer& a, double length, const Format* format, double rows = 1);

/// Queries [b, a, s, d] and keys [b, k, s, d] turned by their positions.
std::pair<Value, Value> rotate(Machine& m, const AttentionLayer& a, const RotaryTables& tables, const Value& query,
                               const Value& key);

/// x·cos + rotate_half(x)·sin, for one tensor.
Value turn(Machine& m, const Value& x, const RotaryTables& tables);

}  // namespace gpumem
