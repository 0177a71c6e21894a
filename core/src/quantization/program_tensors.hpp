#pragma once
#include "layers/decoder.hpp"
#include "quantization/stored_tensor.hpp"

namespace gpumem {

/// The tensors that a model's program asks for, layer by layer, and those that lie beside it.
/// Source: [transformers] names and shapes are those of its modules
StoredTensors program_tensors(const Decoder& model);

}  // namespace gpumem
