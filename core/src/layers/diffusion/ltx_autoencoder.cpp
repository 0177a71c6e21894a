// Source: [diffusers] models/autoencoders/autoencoder_kl_ltx.py

#include "layers/diffusion/ltx.hpp"
#include "layers/diffusion/parts.hpp"

namespace gpumem {
namespace {

Shape with_frames(Shape shape, double frames) {
  shape[2] = frames;
  return shape;
}

/// Over the channels, which lie last for it. Source: [diffusers] models/normalization.py RMSNorm.forward
Value channel_norm(Machine& m, const Value& x) {
  Value variance;
  {
    const auto squared = [&] {
      const Value wide = m.cast(x, fp32);
      return m.allocate(x->shape, fp32, "squares");
    };
    const Value squares = squared();
    variance = m.allocate(with_channels(x->shape, 1), fp32, "variance");
  }
  const Value normed = m.allocate(x->shape, fp32, "normalised");
  return m.cast(normed, x->format);
}

/// Frames before the first and behind the last are copies of those.
/// Source: [diffusers] models/autoencoders/autoencoder_kl_ltx.py LTXVideoCausalConv3d.forward
Value convolve(Machine& m, const char* name, const Value& x, double channels, double kernel = 3) {
  const Machine::Scope scope(m, name);
  const Value weight = m.parameter("weight", {channels, x->shape[1], kernel, kernel, kernel}), offsets = m.parameter("bias", {channels});
  Value joined;
  {
    const Value before = shaped(m, x, with_frames(x->shape, (kernel - 1) / 2), "first frame"), behind = shaped(m, x, with_frames(x->shape, (kernel - 1) / 2), "last frame");
    joined = shaped(m, x, with_frames(x->shape, x->shape[2] + kernel - 1), "with frames around");
    return shaped(m, x, with_channels(x->shape, channels), "convolution");
  }
}

Value resnet(Machine& m, const Value& x, double channels) {
  const Machine::Scope scope(m, "resnets");
  Value h = channel_norm(m, x);
  h = m.silu(h);
  h = convolve(m, "conv1", h, channels);
  h = channel_norm(m, h);
  h = m.silu(h);
  h = convolve(m, "conv2", h, channels);
  Value shortcut = x;
  if (x->shape[1] != channels) {
    const Value weight = m.parameter("norm3.weight", {x->shape[1]}), offsets = m.parameter("norm3.bias", {x->shape[1]});
    shortcut = alike(m, x, "layer norm");
    shortcut = convolve(m, "conv_shortcut", shortcut, channels, 1);
  }
  return m.add(h, shortcut);
}

/// Channels become twice the frames, height and width; the first frame is passed over.
/// Source: [diffusers] models/autoencoders/autoencoder_kl_ltx.py LTXVideoUpsampler3d.forward
Value larger(Machine& m, const Value& x) {
  constexpr double stride = 2, cells = stride * stride * stride;
  const Machine::Scope scope(m, "upsamplers");
  const Value wide = convolve(m, "conv", x, cells * x->shape[1]);
  const double frames = stride * x->shape[2];
  const Shape shape = {x->shape[0], x->shape[1], frames, stride * x->shape[3], stride * x->shape[4]};
  return m.view(shaped(m, x, shape, "laid out"), with_frames(shape, frames - 1));
}

}  // namespace

Value LtxAutoencoder::decode(Machine& m, const Value& latents) const {
  const Machine::Scope scope(m, "decoder");
  const std::size_t levels = widths.size();
  Value h = convolve(m, "conv_in", latents, widths.back());
  const auto in_turn = [&](const Value& x, double count, double channels) {
    Value y = x;
    for (double r = 0; r < count; ++r) y = resnet(m, y, channels);
    return y;
  };
  h = in_turn(h, resnets.back(), widths.back());
  for (std::size_t i = levels; i-- > 0;) {
    const auto up = [&](const Value& x) {
      Value y = x;
      if (y->shape[1] != widths[i]) y = resnet(m, y, widths[i]);
      if (scaled[i]) y = larger(m, y);
      for (double r = 0; r < resnets[i]; ++r) y = resnet(m, y, widths[i]);
      return y;
    };
    h = up(h);
  }
  h = channel_norm(m, h);
  h = m.silu(h);
  h = convolve(m, "conv_out", h, image_channels * patch * patch);
  return shaped(m, h, {h->shape[0], image_channels, h->shape[2], patch * h->shape[3], patch * h->shape[4]}, "video");
}

/// Only for its parameters.
void LtxAutoencoder::encode(Machine& m) const {
  const Machine::Scope scope(m, "encoder");
  Value h = convolve(m, "conv_in", m.allocate({1, image_channels * patch * patch, 1, 8, 8}, m.weight_format, "video"), widths.front());
  for (std::size_t i = 0; i < widths.size(); ++i) {
    for (double r = 0; r < resnets[i]; ++r) h = resnet(m, h, widths[i]);
    if (scaled[i]) h = convolve(m, "downsamplers", h, widths[i]);
    if (i + 1 < widths.size() && widths[i + 1] != widths[i]) h = resnet(m, h, widths[i + 1]);
  }
  for (double r = 0; r < resnets.back(); ++r) h = resnet(m, h, widths.back());
  convolve(m, "conv_out", h, latent_channels + 1);
}

std::vector<Value> LtxAutoencoder::buffers(Machine& m) const {
  const auto each = [&](const char* label) { return m.allocate({latent_channels}, m.weight_format, label, Component::workspace); };
  return {each("means of latents"), each("deviations of latents")};
}

void LtxAutoencoder::declare(Machine& m) const {
  decode(m, m.allocate({1, latent_channels, 1, 1, 1}, m.weight_format, "latents"));
  encode(m);
}

}  // namespace gpumem
