#pragma once
// What vLLM's log calls the memory of the loaded model: its linears are joined, and each takes a block of the allocator.

#include <vector>

#include "machine/memory.hpp"
#include "quantization/stored_tensor.hpp"

namespace gpumem::vllm {

/// Queries, keys and values are one tensor, gate and up another, all experts of a layer another. A block of 10 MiB or
/// more is a multiple of 2 MiB, unless more than 1 MiB of it is left over and split off.
/// Source: [vllm] vllm/model_executor/layers/linear.py QKVParallelLinear, MergedColumnParallelLinear; [pytorch-cuda-allocator]
Bytes loaded_weights(const std::vector<Alive>& tensors);

/// Experts in MXFP4 are padded to what their kernel takes at a time: inner width to 128, hidden size to 256 (Marlin).
/// Source: [vllm] vllm/model_executor/layers/fused_moe/oracle/mxfp4.py mxfp4_round_up_hidden_size_and_intermediate_size
void pad_experts(StoredTensors& tensors, double hidden, double width);

}  // namespace gpumem::vllm
