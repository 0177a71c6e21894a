// Components of which the weights are counted and the run is not known yet.

#include "layers/diffusion/weights_only.hpp"

#include "layers/diffusion/video_autoencoder.hpp"

namespace gpumem {
namespace {

void linear(Machine& m, const char* name, double in, double out, bool bias = true) {
  const Machine::Scope scope(m, name);
  m.parameter("weight", {out, in});
  if (bias) m.parameter("bias", {out});
}

void convolution(Machine& m, const char* name, double in, double out, double kernel, double time = 1) {
  const Machine::Scope scope(m, name);
  m.parameter("weight", {out, in, time, kernel, kernel});
  m.parameter("bias", {out});
}

void joint_block(Machine& m, double w, double head) {
  const Machine::Scope scope(m, "transformer_blocks");
  for (const char* mod : {"img_mod", "txt_mod"}) linear(m, mod, w, 6 * w);
  for (const char* name : {"to_q", "to_k", "to_v", "to_out", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out"}) linear(m, name, w, w);
  for (const char* name : {"norm_q", "norm_k", "norm_added_q", "norm_added_k"}) m.parameter(name, {head});
  for (int stream = 0; stream < 2; ++stream) {
    linear(m, "mlp.proj", w, 4 * w);
    linear(m, "mlp.out", 4 * w, w);
  }
}

}  // namespace

/// Source: [diffusers] models/transformers/transformer_qwenimage.py QwenImageTransformer2DModel.__init__
void QwenImageTransformer::declare(Machine& m) const {
  const double w = heads * head_dim;
  linear(m, "time_text_embed.linear_1", 256, w);
  linear(m, "time_text_embed.linear_2", w, w);
  m.parameter("txt_norm.weight", {text_width});
  linear(m, "img_in", in_channels, w);
  linear(m, "txt_in", text_width, w);
  for (double i = 0; i < layers; ++i) joint_block(m, w, head_dim);
  linear(m, "norm_out", w, 2 * w);
  linear(m, "proj_out", w, patch * patch * out_channels);
}

namespace {

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
