#pragma once
// A model's weights as they are stored: what lies in a file, and what an engine keeps of it on the device.

#include <list>
#include <vector>

#include "gpumem/document.hpp"
#include "machine/memory.hpp"
#include "quantization/gguf_types.hpp"

namespace gpumem {

struct StoragePlan {
  const Mix* mix = nullptr;
  const Format* compute = bf16;           ///< of what the mix leaves alone
  const Document* config = nullptr;
  std::vector<std::string> left_alone;    ///< parts of names of modules that the checkpoint says it left alone
  GgufMaking making;
  bool packs_head = false;                ///< the head is packed like any other linear
  bool embedding_on_host = false;         ///< the token table stays in main memory unless it is the head too
};

struct StoredWeights {
  std::vector<Alive> tensors;         ///< on the device
  std::list<std::string> names;      ///< what the tensors' labels point to
  Bytes file;                         ///< all tensors of the file
};

/// The tensors of a GGUF file with their formats.
struct GgufFile {
  GgufModel model;
  std::vector<GgufTensor> tensors;
  std::vector<const Format*> formats;
  [[nodiscard]] bool tied() const;   ///< the token table is the head too
};
GgufFile gguf_file(const StoredTensors& tensors, const StoragePlan& plan);

/// "model.layers.3.mlp.up_proj.weight" → "mlp.up_proj.weight"
std::string_view inside_layer(std::string_view name);

/// Whether a file's tensor is not loaded: a buffer that is computed, or the head of a model whose head is the token table.
/// Source: [transformers] _keys_to_ignore_on_load_unexpected, tie_weights
bool passed_over(std::string_view name, bool tied);

/// Every tensor in the format that the file has it in.
StoredWeights weights_as_stored(const StoredTensors& tensors, const std::vector<const Format*>& formats, bool tied);

/// Source: [transformers-quantizers] should_convert_module; [llama-cpp-quantizer] llama_model_quantize_impl
StoredWeights stored_weights(const StoredTensors& tensors, const StoragePlan& plan);

}  // namespace gpumem
