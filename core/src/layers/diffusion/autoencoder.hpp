#pragma once
#include "layers/diffusion/components.hpp"

namespace gpumem {

/// AutoencoderKL: images to latents and back.
class ImageAutoencoder : public LatentDecoder {
 public:
  std::vector<double> channels;
  double image_channels = 3, resnets = 2, groups = 32;
  bool quant = true, post_quant = true, mid_attends = true;
  void declare(Machine& m) const override;
  Value decode(Machine& m, const Value& latents) const override;
  Value encode(Machine& m, const Value& image) const;

 private:
  Value middle(Machine& m, const Value& x) const;
};

/// A batch decoded one by one, or in tiles, or both.
struct DecodePlan {
  bool slices = false, tiles = false;
};
Value decode_image(Machine& m, const LatentDecoder& vae, const Value& latents, const DecodePlan& plan);

}  // namespace gpumem
