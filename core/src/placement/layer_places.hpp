#pragma once
// Which layer lies on which GPU, and what stays in main memory, where a model is split layer by layer.

#include <vector>

#include "quantization/gguf_tensors.hpp"

namespace gpumem {

inline constexpr int main_memory = -1;

struct LayerSplit {
  double gpu_layers = 0;         ///< layers on GPUs, the last ones of the model; the output counts as one
  bool output_last = false;      ///< versions before 2026: the output goes to a GPU only after all layers
  std::vector<double> shares;    ///< one for each GPU, in any unit
};

struct LayerPlaces {
  std::vector<int> layers;       ///< the GPU of each, or main_memory
  int output = main_memory;      ///< of the norm and the head behind the layers
};

/// Source: [llama-cpp-placement] llama_model_base::load_tensors get_layer_buft_list
LayerPlaces place_layers(int layers, const LayerSplit& split);

/// Where a tensor of the file lies: with its layer, except for what turns tokens into rows and for experts of the first
/// `expert_layers` layers.
/// Source: [llama-cpp-placement] LLM_TENSOR_INFOS; common/arg.cpp llm_ffn_exps_cpu_override
int place_of(const GgufTensor& tensor, const LayerPlaces& places, double expert_layers);

}  // namespace gpumem
