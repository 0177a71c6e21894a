#pragma once
#include "layers/diffusion/transformers.hpp"

namespace gpumem {

/// A transformer whose own attention is linear and whose feed-forward is a convolution.
class SanaTransformer : public DiffusionTransformer {
 public:
  double text_heads = 20, caption_width = 2304, widening = 2.5, sample_size = 32;
  bool biased = false, guided = false, normed = false, placed = false;
  void declare(Machine& m) const override;
  std::vector<Value> buffers(Machine& m) const override;
  Value predict(Machine& m, const DenoiserInput& in) const override;

 private:
  Value attend(Machine& m, const Value& x) const;
  Value block(Machine& m, const Value& x, const Value& text, const Shape& image) const;
};

/// x [b, channels, height, width] → `out` channels: widened, mixed with its neighbours channel by channel, gated.
Value gated_convolution(Machine& m, const Value& x, double inner, double out);

/// AutoencoderDC, with norms by root mean square.
class DeepAutoencoder : public LatentDecoder {
 public:
  struct Level {
    double channels = 128, blocks = 3;
    bool attends = false;
    std::vector<double> scales;   ///< kernels that see more of the neighbourhood
  };
  std::vector<Level> down, up;    ///< outermost first
  double image_channels = 3, head_dim = 32;
  bool interpolates = false, shuffles_down = true, shortcut_in = true;
  void declare(Machine& m) const override;
  Value decode(Machine& m, const Value& latents) const override;

 private:
  void encode(Machine& m) const;
  Value attend(Machine& m, const Value& x, const Level& level) const;
  Value block(Machine& m, const Value& x, const Level& level) const;
  Value larger(Machine& m, const Value& x, double channels) const;
};

}  // namespace gpumem
