#pragma once
// What llama.cpp allocates for a model as it loads it: tensors in its buffers, and what layers keep of the past.

#include "architectures/cache_rows.hpp"
#include "machine/component.hpp"
#include "quantization/stored_weights.hpp"

namespace gpumem {

/// Bytes of a tensor in a buffer. The GPU's kernels read quantised rows in steps of 512 numbers, past the last row's end.
/// Source: [llama-cpp-placement] ggml_backend_cuda_buffer_type_get_alloc_size, get_alignment; GGML_MEM_ALIGN of the processor
Bytes bytes_in_buffer(const Shape& shape, const Format& format, bool on_gpu);

/// What one layer keeps.
struct LayerMemory {
  double keys = 0, values = 0;     ///< numbers a token
  double index_keys = 0;           ///< of an indexer that chooses tokens
  double window = 0;               ///< tokens it looks back; 0: all
  double inputs = 0, state = 0;    ///< numbers a sequence: the last inputs of convolutions, the state
};

/// Read off the tensors that each layer has.
/// Source: [llama-cpp-cache] llama_hparams n_embd_k_gqa, n_embd_v_gqa, n_embd_r, n_embd_s; create_memory
std::vector<LayerMemory> layer_memories(const GgufFile& file, const LayerFields& fields, int layers);

/// How much of the past there is room for.
struct CacheRoom {
  double slots = 1;                ///< sequences
  bool shared = false;             ///< all slots share one row of cells
  double tokens = 0;               ///< asked for, of all slots together
  double step = 256;               ///< cells come in multiples
  double batch = 512;              ///< tokens of one pass
  bool windows = true;             ///< false: layers with a window keep every token too
  bool transposed_values = false;  ///< without flash attention: all layers' values are as wide as the widest
  double states = 1;               ///< states a slot: one and those to go back to
  const Format* keys = fp16;
  const Format* values = fp16;

  /// Cells of a layer, over all slots.
  [[nodiscard]] double cells(double window) const;
};

/// One tensor of a cache.
struct CacheTensor {
  const char* name;
  Component component;
  int layer;
  Shape shape;
  const Format* format;
};

/// Source: [llama-cpp-cache] llama_kv_cache, llama_kv_cache_iswa, llama_memory_recurrent
std::vector<CacheTensor> cache_tensors(const std::vector<LayerMemory>& layers, const CacheRoom& room);

}  // namespace gpumem
