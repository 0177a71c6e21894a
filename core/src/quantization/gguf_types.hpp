#pragma once
// Which type llama.cpp's quantiser gives each tensor of a file.

#include "quantization/gguf_tensors.hpp"
#include "quantization/mix.hpp"

namespace gpumem {

/// How the file is made.
struct GgufMaking {
  bool imatrix = false;        ///< with an importance matrix
  bool before_2026 = false;    ///< by a version that had a rule of its own for joint projections
};

/// The format of each tensor, in their order.
std::vector<const Format*> gguf_types(const std::vector<GgufTensor>& tensors, const GgufModel& model, const Mix& mix, GgufMaking making);

}  // namespace gpumem
