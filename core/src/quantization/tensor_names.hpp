#pragma once
// What a tensor is for, read from its name: Hugging Face's names, and llama.cpp's for the same.

#include <cstdint>
#include <string_view>

#include "quantization/stored_tensor.hpp"

namespace gpumem {

/// How llama.cpp's conversion stores a tensor.
enum class Conversion : unsigned char {
  same,      ///< one tensor, under its name
  single,    ///< one tensor that stays in fp32
  halves,    ///< a joint projection that becomes two: gate and up
  gated,     ///< queries, keys, values and the gate of linear attention, which becomes a tensor of its own
  latent,    ///< the projection out of a latent that becomes two stacks of small matrices: keys and values
};

struct TensorName {
  std::string_view hugging_face;   ///< the last parts of the name, without ".weight"
  std::string_view gguf;           ///< without "blk.N." and ".weight"
  Conversion conversion = Conversion::same;
};

/// The row for that name, or null.
/// Source: [llama-cpp-conversion] gguf-py/gguf/tensor_mapping.py
const TensorName* find_tensor_name(std::string_view hugging_face);

/// Roles of a tensor of a GGUF file.
/// Source: [llama-cpp-quantizer] tensor_get_category
std::uint32_t gguf_roles(std::string_view gguf);

/// Roles of a tensor as Hugging Face names it; no role for what is never quantised: vectors, norms, biases.
std::uint32_t tensor_roles(std::string_view name, const Shape& shape);

/// Whether it belongs to a tower for images or sound.
bool beside_the_text(std::string_view name);

}  // namespace gpumem
