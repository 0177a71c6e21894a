#pragma once
// A tensor of a checkpoint, whoever lists it: a program that declared its parameters, or an inventory of a family.

#include <string>
#include <vector>

#include "machine/shape.hpp"

namespace gpumem {

struct StoredTensor {
  std::string name;     ///< Hugging Face's, such as "model.layers.3.self_attn.q_proj.weight"; "*" may stand for the layer
  Shape shape;
  int layer = -1;       ///< -1: outside the layers
  double copies = 1;    ///< how many there are alike in this layer, such as experts stored one by one
};

using StoredTensors = std::vector<StoredTensor>;

}  // namespace gpumem
