#pragma once
#include <string>
#include <vector>

#include "gpumem/document.hpp"

namespace gpumem {

struct CheckpointQuantization {
  std::string method;                     ///< as the config names it; empty: the checkpoint is not quantised
  std::string weights;                    ///< the mix it stands for; empty: not known here
  std::vector<std::string> left_alone;    ///< modules it names as not quantised
};

/// What a config.json says of its checkpoint's weights.
/// Source: [transformers-quantizers] utils/quantization_config.py
CheckpointQuantization checkpoint_quantization(const Document& config);

}  // namespace gpumem
