#pragma once
#include "estimate/scenario.hpp"
#include "quantization/stored_weights.hpp"

namespace gpumem {

/// The weights of the scenario's model in the mix of formats it names: its file, and what lies on the device.
StoredWeights weights_of(const Scenario& scenario);

/// The tensors of its checkpoint; those given in the scenario's formats.
StoredTensors tensors_of(const Scenario& scenario);
StoredWeights weights_of(const Scenario& scenario, const StoredTensors& tensors);

}  // namespace gpumem
