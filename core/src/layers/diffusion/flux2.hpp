#pragma once
#include "layers/diffusion/components.hpp"

namespace gpumem {

/// Flux.2's transformer as weights; how it runs is not known here yet.
class Flux2Transformer : public PipelinePart {
 public:
  double layers = 8, single_layers = 48, heads = 48, head_dim = 128, in_channels = 128, out_channels = 128, text_width = 15360, waves = 256, widening = 3;
  bool guided = true;
  void declare(Machine& m) const override;
};

}  // namespace gpumem
