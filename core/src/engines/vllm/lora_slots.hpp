#pragma once
#include "machine/format.hpp"
#include "quantization/stored_tensor.hpp"

namespace gpumem::vllm {

/// Slots for adapters of that rank beside every linear of a rank's layers: [slots, rank, in] and [slots, out, rank] each,
/// of a joint projection one pair for each of its parts. Wrong where an expert or a latent projection is wrapped.
/// Source: [vllm] vllm/lora/layers/base_linear.py BaseLinearLayerWithLoRA.create_lora_weights
Bytes lora_slots(const StoredTensors& tensors, double slots, double rank, const Format& format);

}  // namespace gpumem::vllm
