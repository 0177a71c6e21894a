#pragma once
#include "layers/diffusion/transformers.hpp"

namespace gpumem {

class LtxTransformer : public DiffusionTransformer {
 public:
  double caption_width = 4096;   ///< of the text encoder; `text_width` is what its rows are projected to
  bool biased = true, out_biased = true;
  void declare(Machine& m) const override;
  Value predict(Machine& m, const DenoiserInput& in) const override;

 private:
  Value attend(Machine& m, const char* name, const Value& x, const Value& text) const;
  Value block(Machine& m, const Value& x, const Value& text) const;
};

/// AutoencoderKLLTXVideo without conditions on a timestep: a whole video at once, convolutions that repeat its first and last frame.
class LtxAutoencoder : public LatentDecoder {
 public:
  std::vector<double> widths;           ///< of each level, outermost first
  std::vector<double> resnets;          ///< of each level, and of the middle
  std::vector<bool> scaled;             ///< by level: halves height, width and frames
  double image_channels = 3, patch = 4;
  void declare(Machine& m) const override;
  std::vector<Value> buffers(Machine& m) const override;
  Value decode(Machine& m, const Value& latents) const override;

 private:
  void encode(Machine& m) const;
};

}  // namespace gpumem
