#pragma once
#include "gpumem/document.hpp"
#include "quantization/gguf_tensors.hpp"

namespace gpumem {

/// What a config.json says that matters to a GGUF file. The config has been checked; what it lacks stays zero.
/// Source: [llama-cpp-conversion] set_gguf_parameters of the models
GgufModel gguf_model(const Document& config);

/// The layer a tensor's name speaks of: its first part that is a number; -1 where there is none.
int layer_in(std::string_view name);

}  // namespace gpumem
