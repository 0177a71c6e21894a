#pragma once
// Layers that are not run, and the one that stands for them.
// Source: [pytorch-autograd-engine] equal layers leave equal memory behind, so what is alive is affine in the layer

#include "machine/machine.hpp"
#include "machine/schedule.hpp"

namespace gpumem {

/// Behind the last layer before a gap: what its source left is there as often as layers are missing.
void pass_gap(Machine& m, const Gap& gap);

/// Layers that were not run take part from here on, each time their gap is passed on the way back.
void close_gaps(Machine& m, const Schedule& schedule, int from_layer, int to_layer, bool gradients_stay);

}  // namespace gpumem
