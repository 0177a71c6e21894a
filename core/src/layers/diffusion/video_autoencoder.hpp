#pragma once
#include "layers/diffusion/components.hpp"

namespace gpumem {

/// AutoencoderKLWan: video to latents and back, one latent frame at a time; convolutions keep the frames before.
class WanAutoencoder : public LatentDecoder {
 public:
  std::vector<double> widths;          ///< of each level, outermost first
  std::vector<double> decoder_widths;
  std::vector<bool> shrinks_frames;    ///< by level, outermost first
  double resnets = 2, in_channels = 3, out_channels = 3;
  double patch = 1;                    ///< pixels to a side that lie in the decoder's channels
  bool residual = false;               ///< shortcuts around whole levels
  void declare(Machine& m) const override;
  Value decode(Machine& m, const Value& latents) const override;
  Value decode_tiled(Machine& m, const Value& latents) const override;

 private:
  struct Frames;
  Value decode_frame(Frames& f, const Value& x) const;
  Value unpatched_video(Machine& m, Value x) const;
  void declare_encoder(Machine& m) const;
};

/// AutoencoderKLCogVideoX: two latent frames at a time, three at first where their number is odd; convolutions keep
/// the frames before, and norms read the latents.
class CogVideoXAutoencoder : public LatentDecoder {
 public:
  std::vector<double> widths;
  double resnets = 3, image_channels = 3, groups = 32;
  void declare(Machine& m) const override;
  Value decode(Machine& m, const Value& latents) const override;

 private:
  struct Batch;
  Value decode_batch(Batch& batch, const Value& latents) const;
  void declare_half(Machine& m, bool decoder) const;
};

}  // namespace gpumem
