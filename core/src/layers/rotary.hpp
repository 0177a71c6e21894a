#pragma once
#include <utility>

#include "layers/decoder.hpp"
#include "layers/pass.hpp"

namespace gpumem {

/// cos and sin [1, tokens, dim] of these positions, in the model's format; one table of complex numbers if they are pairs.
RotaryTables rotary_tables(Machine& m, AttentionLayer::Rotary kind, double length, double dim, const Format* format);

/// Queries [b, a, s, d] and keys [b, k, s, d] turned by their positions.
std::pair<Value, Value> rotate(Machine& m, const AttentionLayer& a, const RotaryTables& tables, const Value& query,
                               const Value& key);

}  // namespace gpumem
