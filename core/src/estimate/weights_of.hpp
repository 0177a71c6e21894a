#pragma once
#include "estimate/scenario.hpp"
#include "quantization/stored_weights.hpp"

namespace gpumem {

/// The weights of the scenario's model in the mix of formats it names: its file, and what lies on the device.
StoredWeights weights_of(const Scenario& scenario);

/// The same of tensors of one's own, in the scenario's formats.
StoredWeights weights_of(const Scenario& scenario, const StoredTensors& tensors);

/// The tensors of the model's checkpoint.
StoredTensors tensors_of(const Scenario& scenario);

/// Parameters that one token passes: of experts, those that are chosen.
double active_parameters(const Scenario& scenario, const StoredTensors& tensors);

/// The weights as the tensors of a GGUF file.
GgufFile file_of(const Scenario& scenario);

/// Whether the engine's version, a year, a date or a build with a year beside it, is of before 2026.
bool before_2026(const std::string& version);

}  // namespace gpumem
