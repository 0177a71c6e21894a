#pragma once
// llama.cpp's compute buffers: what it reserves on every device for the largest batch, beside weights and caches.

#include <vector>

#include "gpumem/units.hpp"
#include "layers/hybrid.hpp"
#include "machine/format.hpp"

namespace gpumem {

/// What a context was asked to hold, and where the layers lie.
struct ComputeRequest {
  double context = 4096;           ///< n_ctx: cells of all sequences together
  double sequences = 1;            ///< n_seq_max
  double batch = 2048;             ///< n_batch
  double micro_batch = 512;        ///< n_ubatch
  double outputs = 0;              ///< n_outputs_max; 0: a row for each token of a batch
  bool shared_cells = false;       ///< kv_unified
  bool full_windows = false;       ///< swa_full
  bool flash = true;
  bool carries = true;             ///< op_offload: the GPU computes large batches of layers whose weights lie in main memory
  const Format* keys = fp16;
  const Format* values = fp16;
  double matrix_bytes = 2, expert_bytes = 2;   ///< of one weight of the largest matrices; counts where they are carried to a GPU
  double gpus = 1;
  std::vector<int> layer_places;   ///< the GPU of each layer, -1 for main memory; empty: all on the first
  int output_place = 0;
  bool cache_on_host = false;
  double expert_layers_on_host = 0;   ///< cpu_moe, n_cpu_moe: experts of the first layers
};

/// Bytes on each GPU, then in main memory. Only graphs tell: no formula is right for two families.
/// Source: [llama-cpp-graph] src/llama-context.cpp: llama_context, sched_reserve
std::vector<Bytes> llama_cpp_compute_buffers(const Decoder& model, const ComputeRequest& request);
std::vector<Bytes> llama_cpp_compute_buffers(const HybridModel& model, const ComputeRequest& request);

}  // namespace gpumem
