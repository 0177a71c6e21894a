#pragma once
// How engines that serve cut a decoder into the stages of a pipeline.

#include <vector>

#include "layers/decoder.hpp"
#include "quantization/stored_tensor.hpp"

namespace gpumem {

/// Layers of each stage: what is left over goes to stages before the last one, from behind.
/// Source: [vllm] vllm/distributed/utils.py get_pp_indices
std::vector<int> layers_by_stage(int layers, int stages);

/// The layers `first` to `first + count - 1` alone.
Decoder decoder_of_stage(Decoder model, int first, int count);

/// Of what lies outside the layers, the token table and what comes behind the layers are on some stages only.
/// Source: [vllm] vllm/model_executor/models/llama.py LlamaModel.__init__, PPMissingLayer
void leave_out_of_stage(StoredTensors& tensors, bool keeps_table, bool keeps_end);

}  // namespace gpumem
