#pragma once
#include "layers/diffusion/components.hpp"

namespace gpumem {

class QwenImageTransformer : public PipelinePart {
 public:
  double layers = 60, heads = 24, head_dim = 128, in_channels = 64, out_channels = 16, text_width = 3584, patch = 2;
  void declare(Machine& m) const override;
};

}  // namespace gpumem
