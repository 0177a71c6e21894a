#pragma once
#include "layers/diffusion/transformers.hpp"

namespace gpumem {

/// Two streams, then one; the text's rows lie behind the video's and are refined before.
class HunyuanVideoTransformer : public DiffusionTransformer {
 public:
  double single_layers = 40, refiners = 2, widening = 4;
  bool guided = true;   ///< by an input of its own
  void declare(Machine& m) const override;
  Value predict(Machine& m, const DenoiserInput& in) const override;

 private:
  struct Streams {
    Value image, text;
  };
  Value refine(Machine& m, const Value& text, double batch) const;
  Streams attend(Machine& m, const Value& image, const Value& text) const;
  Value attend_joined(Machine& m, const Value& image, const Value& text) const;
  Streams double_block(Machine& m, const Streams& x, const Value& time) const;
  Streams single_block(Machine& m, const Streams& x, const Value& time) const;
};

/// AutoencoderKLHunyuanVideo: a few latent frames at a time, which overlap; causal convolutions that repeat what lies at the sides.
class HunyuanVideoAutoencoder : public LatentDecoder {
 public:
  std::vector<double> widths;             ///< of each level, outermost first
  std::vector<bool> grows, grows_time;    ///< by level of the decoder, innermost first
  double resnets = 2, image_channels = 3, groups = 32;
  double tile_frames = 4, tile_step = 3;  ///< in latents; a tile has one more
  bool mid_attends = true;
  void declare(Machine& m) const override;
  Value decode(Machine& m, const Value& latents) const override;
  Value decode_tiled(Machine& m, const Value& latents) const override;
  Value decode_tile(Machine& m, const Value& latents) const override;

 private:
  Value in_time(Machine& m, const Value& latents, bool tiled) const;
  Value middle(Machine& m, const Value& x) const;
  void encode(Machine& m) const;
};

}  // namespace gpumem
