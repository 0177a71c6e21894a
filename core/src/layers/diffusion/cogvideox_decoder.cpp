// Source: [diffusers] models/autoencoders/autoencoder_kl_cogvideox.py CogVideoXDecoder3D.forward, AutoencoderKLCogVideoX._decode

#include <algorithm>
#include <cmath>

#include "layers/diffusion/parts.hpp"
#include "layers/diffusion/video_autoencoder.hpp"

namespace gpumem {
namespace {

/// A video's shape with other frames, and perhaps twice the sides.
Shape frames_of(Shape shape, double frames, double sides = 1) {
  shape[2] = frames;
  for (const int side : {3, 4}) shape[side] *= sides;
  return shape;
}

/// A first frame that stands alone stays one; the rest is doubled.
bool odd(double frames) { return frames > 1 && std::fmod(frames, 2) == 1; }

}  // namespace

/// A few latent frames on their way: what the convolutions kept of the last ones, and what they keep of these.
struct CogVideoXAutoencoder::Batch {
  Machine& m;
  double groups;
  std::vector<Value> before, kept;

  Value convolve(const char* name, const Value& x, double channels, double time, double side) {
    const Machine::Scope scope(m, name);
    const Value weight = m.parameter("weight", {channels, x->shape[1], time, side, side});
    const Value offsets = m.parameter("bias", {channels});
    return shaped(m, x, with_channels(x->shape, channels), "convolution");
  }

  /// Frames before are put in front; a kernel of one frame keeps all it read.
  Value causal(const char* name, const Value& x, double channels, double time, double side) {
    const double more = time - 1;
    const Value joined = time > 1 ? shaped(m, x, frames_of(x->shape, x->shape[2] + more), "with frames before") : x;
    kept.push_back(shaped(m, x, frames_of(x->shape, time > 1 ? more : x->shape[2]), "frames kept"));
    return convolve(name, x, channels, time, side);
  }

  /// Source: [diffusers] models/autoencoders/autoencoder_kl_cogvideox.py CogVideoXSpatialNorm3D.forward
  Value norm(const char* name, const Value& x, const Value& latents) {
    const Machine::Scope scope(m, name);
    const Shape target = with_channels(x->shape, latents->shape[1]);
    Value first, rest, read;
    if (odd(x->shape[2])) {
      first = shaped(m, x, frames_of(target, 1), "first latents");
      rest = shaped(m, x, frames_of(target, x->shape[2] - 1), "other latents");
    }
    read = shaped(m, x, target, "latents, stretched");
    const Value scale = causal("conv_y", read, x->shape[1], 1, 1), shift = causal("conv_b", read, x->shape[1], 1, 1);
    const Value normed = group_norm(m, "norm_layer", x, groups);
    const Value scaled = alike(m, x, "scaled");
    return alike(m, x, "shifted");
  }

  Value resnet(const Value& x, double channels, const Value& latents) {
    const Machine::Scope scope(m, "resnets");
    Value h = norm("norm1", x, latents);
    h = m.silu(h);
    h = causal("conv1", h, channels, 3, 3);
    h = norm("norm2", h, latents);
    h = m.silu(h);
    h = causal("conv2", h, channels, 3, 3);
    Value shortcut = x;
    if (x->shape[1] != channels) shortcut = convolve("conv_shortcut", x, channels, 1, 1);
    return m.add(h, shortcut);
  }

  /// Source: [diffusers] models/upsampling.py CogVideoXUpsample3D.forward
  Value larger(const Value& x, bool time) {
    const double t = x->shape[2];
    Value first, rest, h;
    if (time && odd(t)) {
      first = shaped(m, x, frames_of(x->shape, 1, 2), "first frame, larger");
      rest = shaped(m, x, frames_of(x->shape, 2 * (t - 1), 2), "other frames, larger");
      h = shaped(m, x, frames_of(x->shape, 2 * t - 1, 2), "frames, larger");
    } else if (time) {
      h = shaped(m, x, frames_of(x->shape, t > 1 ? 2 * t : t, 2), "frames, larger");
    } else {
      const Value apart = alike(m, x, "frames, one by one");
      h = shaped(m, x, frames_of(x->shape, t, 2), "frames, larger");
    }
    if (time && h->shape[2] > 1) h = alike(m, h, "frames, one by one");
    return convolve("upsamplers", h, x->shape[1], 1, 3);
  }
};

Value CogVideoXAutoencoder::decode_batch(Batch& b, const Value& z) const {
  Value h = b.causal("conv_in", z, widths.back(), 3, 3);
  const auto middle = [&](const Value& x) {
    Value y = b.resnet(x, widths.back(), z);
    return b.resnet(y, widths.back(), z);
  };
  h = middle(h);
  const double compressed = std::floor(std::log2(shrinks_time));
  for (std::size_t i = widths.size(); i-- > 0;) {
    const auto up = [&](const Value& x) {
      Value y = x;
      for (double r = 0; r <= resnets; ++r) y = b.resnet(y, widths[i], z);
      return i == 0 ? y : b.larger(y, static_cast<double>(widths.size() - 1 - i) < compressed);
    };
    h = up(h);
  }
  h = b.norm("norm_out", h, z);
  h = b.m.silu(h);
  return b.causal("conv_out", h, image_channels, 3, 3);
}

Value CogVideoXAutoencoder::decode(Machine& m, const Value& latents) const {
  const int place = m.layer();
  constexpr double at_once = 2;
  const double frames = latents->shape[2], batches = std::max(std::floor(frames / at_once), 1.0), over = std::fmod(frames, at_once);
  std::vector<Value> made;
  Batch batch{m, groups, {}, {}};
  double total = 0;
  for (double k = 0; k < batches; ++k) {
    m.begin_layer(place);
    const Value z = m.view(latents, frames_of(latents->shape, std::min(frames, at_once + (k == 0 ? over : 0))));
    made.push_back(decode_batch(batch, z));
    total += made.back()->shape[2];
    batch.before = std::move(batch.kept);
    batch.kept.clear();
  }
  return shaped(m, made.front(), frames_of(made.front()->shape, total), "video");
}

}  // namespace gpumem
