// The weights of CogVideoX's autoencoder, in the order in which they are read.

#include "layers/diffusion/video_autoencoder.hpp"

namespace gpumem {
namespace {

void convolution(Machine& m, const char* name, double in, double out, double kernel, double time = 1) {
  const Machine::Scope scope(m, name);
  m.parameter("weight", {out, in, time, kernel, kernel});
  m.parameter("bias", {out});
}

/// Norms of a decoder take the latents too.
void cogvideox_norm(Machine& m, double channels, double latents) {
  m.parameter("norm.weight", {channels});
  m.parameter("norm.bias", {channels});
  if (latents > 0)
    for (const char* name : {"conv_y", "conv_b"}) convolution(m, name, latents, channels, 1);
}

void cogvideox_resnet(Machine& m, double in, double out, double latents) {
  const Machine::Scope scope(m, "resnets");
  cogvideox_norm(m, in, latents);
  convolution(m, "conv1", in, out, 3, 3);
  cogvideox_norm(m, out, latents);
  convolution(m, "conv2", out, out, 3, 3);
  if (in != out) convolution(m, "conv_shortcut", in, out, 1);
}

}  // namespace

/// Source: [diffusers] models/autoencoders/autoencoder_kl_cogvideox.py CogVideoXEncoder3D, CogVideoXDecoder3D
void CogVideoXAutoencoder::declare_half(Machine& m, bool decoder) const {
  const std::size_t levels = widths.size();
  const double conditioned = decoder ? latent_channels : 0;
  double channels = decoder ? widths.back() : widths.front();
  convolution(m, "conv_in", decoder ? latent_channels : image_channels, channels, 3, 3);
  const auto middle = [&] {
    for (int i = 0; i < 2; ++i) cogvideox_resnet(m, widths.back(), widths.back(), conditioned);
  };
  if (decoder) middle();
  for (std::size_t i = 0; i < levels; ++i) {
    const double out = widths[decoder ? levels - 1 - i : i];
    for (double r = 0; r < resnets + (decoder ? 1 : 0); ++r) {
      cogvideox_resnet(m, channels, out, conditioned);
      channels = out;
    }
    if (i + 1 < levels) convolution(m, "resampler", out, out, 3);
  }
  if (!decoder) middle();
  cogvideox_norm(m, channels, conditioned);
  convolution(m, "conv_out", channels, decoder ? image_channels : 2 * latent_channels, 3, 3);
}

void CogVideoXAutoencoder::declare(Machine& m) const {
  declare_half(m, true);
  declare_half(m, false);
}

}  // namespace gpumem
