#pragma once
// The tensors of a GGUF file made from a model: llama.cpp's names, cuts and order.

#include <cstdint>
#include <string_view>
#include <vector>

#include "quantization/stored_tensor.hpp"

namespace gpumem {

/// What of a model decides how llama.cpp cuts and quantises it.
struct GgufModel {
  std::string_view type;            ///< config.json's model_type
  double layers = 0, hidden = 0;
  double heads = 0, kv_heads = 0;
  double experts = 0;
  double key_part = 0, value_part = 0;   ///< of a head that comes out of a latent
  double gate_rows = 0;                  ///< of linear attention whose projections are one
  double rotary_factors = 0;        ///< numbers of the tables for longer contexts that the file holds
  bool chooses_by_bias = false;     ///< experts are chosen with a bias that is a buffer of the module, no parameter
};

struct GgufTensor {
  std::string_view name;            ///< without "blk.N." and ".weight"
  int layer = -1;
  std::uint32_t roles = 0;
  bool single = false;              ///< stays in fp32
  bool shared = false;              ///< of experts that every token passes
  Shape shape;                      ///< [rows, columns], or a stack of them
  bool expert = false;              ///< of experts of which a token passes a few
};

/// Source: [llama-cpp-conversion] conversion/base.py prepare_tensors and the models' modify_tensors
std::vector<GgufTensor> gguf_tensors(const StoredTensors& tensors, const GgufModel& model);

}  // namespace gpumem
