#pragma once
// What a request can say to llama.cpp alone.

#include <string>
#include <vector>

#include "architectures/fields.hpp"

namespace gpumem {

struct Scenario;

struct LlamaCppOptions {
  double gpus = 1;                    ///< parallel.pipeline: the layers are split over so many
  double gpu_layers = -1;             ///< n_gpu_layers; negative: all
  double host_layers = 0;             ///< inference.offload.layers, where n_gpu_layers is not given
  double context = 0, slots = 0;      ///< n_ctx, n_parallel; 0: what the request's sequences need
  double expert_layers_on_host = 0;   ///< n_cpu_moe
  bool experts_on_host = false, cache_on_host = false;
  double rollback = 0;                ///< n_rs_seq: states kept to go back to
  std::vector<double> tensor_split;
  std::string cache_keys, cache_values;   ///< cache_type_k, cache_type_v
};

/// Options of the engine; those given are echoed.
void read_llama_cpp_options(Fields& options, Scenario& scenario);

/// inference.offload, whose parts are llama.cpp's n_gpu_layers, cpu_moe and no_kv_offload.
void read_llama_cpp_offload(Fields& inference, Scenario& scenario);

/// What does not go together, once all is read.
void check_llama_cpp(Fields& request, const Scenario& scenario);

}  // namespace gpumem
