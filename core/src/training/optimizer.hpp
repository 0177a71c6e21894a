#pragma once
#include <span>
#include <string_view>

#include "machine/machine.hpp"

namespace gpumem {

/// The row of that id, or null.
const catalog::OptimizerRow* find_optimizer(std::string_view id);

/// Puts the states of every trainable parameter in memory, in the parameter's own format; a fused step also keeps its
/// counters there, one fp32 number a parameter.
/// Source: [pytorch-optim] torch/optim/adamw.py, sgd.py: states are zeros_like(parameter)
void add_optimizer_states(Machine& m, const catalog::OptimizerRow& optimizer, std::string_view step,
                          std::span<const Parameter> parameters);

/// What a step allocates for a moment: nothing, as much as all its parameters (foreach), or two tensors as large as
/// its largest parameter (a loop).
/// Source: [torch-fake-tensor-measurement] exact over all measured steps
void step_temporaries(Machine& m, const catalog::OptimizerRow& optimizer, std::string_view step,
                      std::span<const Parameter> parameters);

}  // namespace gpumem
