#pragma once
#include "layers/diffusion/components.hpp"

namespace gpumem {

/// One resolution of a UNet.
struct UNetLevel {
  double channels = 320, resnets = 2, depth = 1, heads = 8;   ///< depth: transformer layers behind each resnet
  bool attends = true, attends_up = true;
};

class UNet : public Denoiser {
 public:
  std::vector<UNetLevel> levels;
  double out_channels = 4, context = 768, groups = 32;
  double size_width = 0, condition_width = 0;   ///< of each condition on sizes; of pooled text and all of them
  bool linear_projection = false, flipped = true, mid_attends = true;
  void declare(Machine& m) const override;
  Value predict(Machine& m, const DenoiserInput& in) const override;

 private:
  Value transformer(Machine& m, const Value& x, const Value& text, double heads, double depth) const;
};

/// A resnet block: twice norm, SiLU and convolution, the timestep in between, a shortcut beside them.
Value resnet_block(Machine& m, const char* name, const Value& x, double channels, const Value& timestep, double groups);

}  // namespace gpumem
