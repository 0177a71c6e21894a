#pragma once
#include <span>

#include "machine/machine.hpp"

namespace gpumem {

/// The gradient in fp32, its square and the update (or the update and the weight, in fp32), one parameter at a time.
/// Source: [lomo] adalomo.py fuse_update
void wide_update(Machine& m, std::span<const Parameter> parameters);

/// The root of a side's matrix: its singular vectors twice, and two products of them, beside the gradient.
/// Source: [pytorch-optimizer] optimizer/shampoo_utils.py compute_power_svd, shampoo.py step
void root_of_a_side(Machine& m, std::span<const Parameter> parameters);

/// Lists of tensors as large as all parameters that `among` takes. Parameters of one format go together; their lists live
/// until those of the next format take their places, one after the other.
/// Source: [pytorch-optim] torch/optim/optimizer.py _group_tensors_by_device_and_dtype
void by_format(Machine& m, std::span<const Parameter> parameters, int lists, bool (*among)(const Parameter&));

/// Second moments of all matrices as whole ones, beside the means of their rows; then those of vectors beside the updates.
/// Source: [pytorch-optim] torch/optim/_adafactor.py _multi_tensor_adafactor
void factored_together(Machine& m, std::span<const Parameter> parameters);

}  // namespace gpumem
