#pragma once
// By which names adapters reach the matrices of stacked experts.

#include <optional>

#include "architectures/fields.hpp"
#include "estimate/scenario.hpp"
#include "layers/dense.hpp"

namespace gpumem {

inline constexpr int stacked_from = 5000;   ///< from transformers 5 on a layer's experts are one tensor, except in GPTQ checkpoints

Adaptation::StackNames stack_names(const Scenario& s);

/// Why peft refuses adapters of this model's stacked experts, if it does.
std::optional<Issue> refused_stacks(const Scenario& s);

}  // namespace gpumem
