#pragma once
// A model as the header of its GGUF file describes it: metadata and the table of tensors.

#include "architectures/inventory.hpp"
#include "engines/llama_cpp_memory.hpp"

namespace gpumem {

struct GgufHeader {
  GgufFile file;                      ///< empty where only metadata were given
  std::vector<LayerMemory> layers;    ///< what each layer keeps, from the metadata
};

/// {"metadata": {key: value}, "tensors": [{"name", "type", "shape"}]}; shapes as the file has them, rows' length first.
/// The inventory gets the tensors' shapes. What is wrong goes to the issues of `gguf`.
/// Source: [llama-cpp-cache] llama_hparams; [llama-cpp-conversion] gguf-py/gguf/constants.py
GgufHeader read_gguf_header(Fields& gguf, Inventory& inventory);

}  // namespace gpumem
