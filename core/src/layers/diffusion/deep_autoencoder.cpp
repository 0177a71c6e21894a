// Source: [diffusers] models/autoencoders/autoencoder_dc.py

#include "layers/dense.hpp"
#include "layers/diffusion/parts.hpp"
#include "layers/diffusion/sana.hpp"

namespace gpumem {
namespace {

/// Over channels, with a bias: x is looked at with channels last.
Value channel_norm(Machine& m, const char* name, const Value& x) {
  const double c = x->shape[1];
  const Value normed = rms_norm(m, name, m.view(x, {x->shape[0], x->shape[2], x->shape[3], c}));
  const Value bias = m.parameter("norm.bias", {c});
  return m.view(alike(m, normed, "with bias"), x->shape);
}

}  // namespace

/// Source: [diffusers] models/attention_processor.py SanaMultiscaleAttnProcessor2_0.__call__
Value DeepAutoencoder::attend(Machine& m, const Value& x, const Level& level) const {
  const Machine::Scope scope(m, "attn");
  const double b = x->shape[0], c = x->shape[1], pixels = x->shape[2] * x->shape[3], heads = std::floor(c / head_dim), inner = heads * head_dim;
  const double copies = 1 + static_cast<double>(level.scales.size());
  const Shape three = with_channels(x->shape, 3 * inner);
  const Value rows = m.view(x, {b, pixels, c});
  const Value q = dense(m, "to_q", rows, inner, false), k = dense(m, "to_k", rows, inner, false), v = dense(m, "to_v", rows, inner, false);
  const Value joined = shaped(m, x, three, "queries, keys, values");
  std::vector<Value> seen;
  for (const double kernel : level.scales) {
    const Value wider = convolve_alone(m, "proj_in", joined, kernel, false);
    const Value weight = m.parameter("proj_out.weight", {3 * inner, head_dim, 1, 1});
    seen.push_back(alike(m, wider, "other scale"));
  }
  const Shape all = with_channels(x->shape, 3 * inner * copies);
  const auto reads = [&] {
    const bool linear = pixels > head_dim;
    Value wide = shaped(m, x, all, "all scales");
    if (linear) wide = m.cast(wide, fp32);
    const Shape each = {b, heads * copies, head_dim, pixels};
    const Value query = shaped(m, wide, each, "queries"), key = shaped(m, wide, each, "keys");
    Value read;
    {
      const Value ones = shaped(m, wide, {b, heads * copies, head_dim + 1, pixels}, "values and ones");
      const Value sums = shaped(m, wide, {b, heads * copies, head_dim + 1, head_dim}, "sums");
      read = alike(m, ones, "read sums");
    }
    read = shaped(m, read, each, "weighted");
    return m.cast(read, x->format);
  };
  Value h = m.view(reads(), {b, pixels, inner * copies});
  h = m.view(dense(m, "to_out", h, c, false), x->shape);
  h = channel_norm(m, "norm_out", h);
  return m.add(h, x);
}

Value DeepAutoencoder::block(Machine& m, const Value& x, const Level& level) const {
  const double c = level.channels;
  if (!level.attends) {
    Value h = convolve2d(m, "conv1", x, c);
    h = m.silu(h);
    h = convolve2d(m, "conv2", h, c, 3, 1, false);
    h = channel_norm(m, "norm", h);
    return m.add(h, x);
  }
  const Value attended = attend(m, x, level);
  const Machine::Scope scope(m, "conv_out");
  constexpr double widening = 4;
  Value h = gated_convolution(m, attended, widening * c, c);
  h = channel_norm(m, "norm", h);
  return m.add(h, attended);
}

/// Source: [diffusers] models/autoencoders/autoencoder_dc.py DCUpBlock2d.forward
Value DeepAutoencoder::larger(Machine& m, const Value& x, double channels) const {
  const Machine::Scope scope(m, "upsample");
  Shape shape = with_channels(x->shape, channels);
  for (const int side : {-1, -2}) shape[side] = 2 * shape[side];
  Value h;
  if (interpolates) {
    h = upsample2d(m, x);
    h = convolve2d(m, "conv", h, channels);
  } else {
    h = convolve2d(m, "conv", x, 4 * channels);
    h = shaped(m, x, shape, "pixels laid out");
  }
  const auto repeated = [&] {
    const Value wide = shaped(m, x, with_channels(x->shape, 4 * channels), "channels repeated");
    return shaped(m, x, shape, "pixels laid out");
  };
  return m.add(h, repeated());
}

Value DeepAutoencoder::decode(Machine& m, const Value& latents) const {
  const Machine::Scope scope(m, "decoder");
  const auto first = [&] {
    const Value wide = shortcut_in ? shaped(m, latents, with_channels(latents->shape, up.back().channels), "channels repeated") : Value();
    const Value read = convolve2d(m, "conv_in", latents, up.back().channels);
    return wide ? m.add(read, wide) : read;
  };
  Value h = first();
  for (std::size_t i = up.size(); i-- > 0;) {
    const auto level = [&](const Value& in) {
      Value x = i + 1 < up.size() && up[i].blocks > 0 ? larger(m, in, up[i].channels) : in;
      for (double n = 0; n < up[i].blocks; ++n) x = block(m, x, up[i]);
      return x;
    };
    h = level(h);
  }
  h = channel_norm(m, "norm_out", h);
  h = m.relu(h);
  return convolve2d(m, "conv_out", h, image_channels);
}

void DeepAutoencoder::encode(Machine& m) const {
  const Machine::Scope scope(m, "encoder");
  const double side = 2 * shrinks;
  Value h = convolve2d(m, "conv_in", m.allocate({1, image_channels, side, side}, m.weight_format, "image"), down.front().channels);
  for (std::size_t i = 0; i < down.size(); ++i) {
    for (double n = 0; n < down[i].blocks; ++n) h = block(m, h, down[i]);
    if (i + 1 == down.size() || down[i].blocks <= 0) continue;
    const double channels = down[i + 1].channels;
    h = convolve2d(m, "downsample", h, shuffles_down ? channels / 4 : channels, 3, 2);
    h = shaped(m, h, with_channels(h->shape, channels), "smaller");
  }
  convolve2d(m, "conv_out", h, latent_channels);
}

void DeepAutoencoder::declare(Machine& m) const {
  decode(m, m.allocate({1, latent_channels, 2, 2}, m.weight_format, "latents"));
  encode(m);
}

}  // namespace gpumem
