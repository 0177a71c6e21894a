#pragma once
#include "architectures/fields.hpp"
#include "layers/hybrid.hpp"

namespace gpumem {

/// A model with layers that keep a state; nothing where the type is not one of those known.
std::optional<HybridModel> read_hybrid(Fields& config);

/// DeepSeek-V3.2 and GLM-5.
HybridModel indexed_latent_graph(Fields& config, double groups);

}  // namespace gpumem
