#pragma once
#include "estimate/scenario.hpp"
#include "quantization/stored_weights.hpp"

namespace gpumem {

/// The weights of the scenario's model in the mix of formats it names: its file, and what lies on the device.
StoredWeights weights_of(const Scenario& scenario);

/// The same as the tensors of a GGUF file.
GgufFile file_of(const Scenario& scenario);

/// Whether the engine's version, a year, a date or a build with a year beside it, is of before 2026.
bool before_2026(const std::string& version);

}  // namespace gpumem
