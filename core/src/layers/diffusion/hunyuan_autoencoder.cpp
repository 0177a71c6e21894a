// Source: [diffusers] models/autoencoders/autoencoder_kl_hunyuan_video.py

#include <algorithm>

#include "layers/dense.hpp"
#include "layers/diffusion/hunyuan_video.hpp"
#include "layers/diffusion/parts.hpp"

namespace gpumem {
namespace {

Shape with_frames(Shape shape, double frames) {
  shape[2] = frames;
  return shape;
}

/// What lies at the sides is repeated around, the first frame before it.
/// Source: [diffusers] models/autoencoders/autoencoder_kl_hunyuan_video.py HunyuanVideoCausalConv3d.forward
Value convolve(Machine& m, const char* name, const Value& x, double channels, double kernel = 3) {
  const Machine::Scope scope(m, name);
  const Value weight = m.parameter("weight", {channels, x->shape[1], kernel, kernel, kernel}), offsets = m.parameter("bias", {channels});
  Shape around = x->shape;
  for (const int side : {2, 3, 4}) around[side] += kernel - 1;
  const Value padded = shaped(m, x, around, "padded");
  return shaped(m, x, with_channels(x->shape, channels), "convolution");
}

Value resnet(Machine& m, const Value& x, double channels, double groups) {
  const Machine::Scope scope(m, "resnets");
  Value h = group_norm(m, "norm1", x, groups);
  h = m.silu(h);
  h = convolve(m, "conv1", h, channels);
  h = group_norm(m, "norm2", h, groups);
  h = m.silu(h);
  h = convolve(m, "conv2", h, channels);
  const Value shortcut = x->shape[1] == channels ? x : convolve(m, "conv_shortcut", x, channels, 1);
  return m.add(h, shortcut);
}

/// The first frame stays one, the others become twice as many where time grows.
/// Source: [diffusers] models/autoencoders/autoencoder_kl_hunyuan_video.py HunyuanVideoUpsampleCausal3D.forward
Value larger(Machine& m, const Value& x, bool time) {
  const Machine::Scope scope(m, "upsamplers");
  const double others = x->shape[2] - 1;
  Shape shape = x->shape;
  for (const int side : {3, 4}) shape[side] = 2 * shape[side];
  const Value first = shaped(m, x, with_frames(shape, 1), "first frame");
  Value rest, joined = first;
  if (others > 0) {
    const Value apart = shaped(m, x, with_frames(x->shape, others), "other frames");
    const double frames = others * (time ? 2 : 1);
    rest = shaped(m, x, with_frames(shape, frames), "other frames, larger");
    joined = shaped(m, x, with_frames(shape, frames + 1), "frames");
  }
  return convolve(m, "conv", joined, x->shape[1]);
}

/// Every token of a video's frame sees that frame and those before.
/// Source: [diffusers] models/autoencoders/autoencoder_kl_hunyuan_video.py prepare_causal_attention_mask
Value frame_mask(Machine& m, double tokens_all, const Format* format) {
  const Value numbers = m.allocate({tokens_all}, int32, "frame of each token");
  Value wide;
  {
    const Value seen = m.allocate({tokens_all, tokens_all}, byte_flag, "seen");
    wide = m.allocate({tokens_all, tokens_all}, fp32, "mask");
  }
  return m.cast(wide, format);
}

}  // namespace

Value HunyuanVideoAutoencoder::middle(Machine& m, const Value& x) const {
  const Machine::Scope scope(m, "mid_block");
  Value h = resnet(m, x, x->shape[1], groups);
  if (mid_attends) {
    const Machine::Scope attention(m, "attentions");
    const double b = h->shape[0], c = h->shape[1], all = h->shape[2] * h->shape[3] * h->shape[4];
    const Value mask = frame_mask(m, all, h->format);
    const Value padded = std::fmod(all, 8) > 0 ? shaped(m, h, {all, std::ceil(all / 8) * 8}, "mask, padded") : Value();
    const auto attended = [&] {
      const Value normed = m.view(group_norm(m, "group_norm", h, groups), {b, all, c});
      const Value q = linear_across(m, "to_q", normed, c), k = linear_across(m, "to_k", normed, c), v = linear_across(m, "to_v", normed, c);
      Value out = fused_attention(m, q, k, v, 1, true);
      out = dense(m, "to_out", out, c, true);
      const Value sum = alike(m, out, "sum");
      return m.view(alike(m, sum, "scaled sum"), h->shape);
    };
    h = attended();
  }
  const Value laid_out = alike(m, h, "channels first");
  return resnet(m, laid_out, x->shape[1], groups);
}

Value HunyuanVideoAutoencoder::decode_tile(Machine& m, const Value& latents) const {
  Value z;
  {
    const Value weight = m.parameter("post_quant_conv.weight", {latent_channels, latent_channels, 1, 1, 1}), offsets = m.parameter("post_quant_conv.bias", {latent_channels});
    z = shaped(m, latents, latents->shape, "latents");
  }
  const Machine::Scope scope(m, "decoder");
  Value h = convolve(m, "conv_in", z, widths.back());
  h = middle(m, h);
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const Machine::Scope ups(m, "up_blocks");
    const double channels = widths[widths.size() - 1 - i];
    const auto up = [&](const Value& x) {
      Value y = x;
      for (double r = 0; r <= resnets; ++r) y = resnet(m, y, channels, groups);
      return grows[i] || grows_time[i] ? larger(m, y, grows_time[i]) : y;
    };
    h = up(h);
  }
  h = group_norm(m, "conv_norm_out", h, groups);
  h = m.silu(h);
  return convolve(m, "conv_out", h, image_channels);
}

/// Source: [diffusers] models/autoencoders/autoencoder_kl_hunyuan_video.py AutoencoderKLHunyuanVideo._temporal_tiled_decode
Value HunyuanVideoAutoencoder::in_time(Machine& m, const Value& z, bool tiled) const {
  const int place = m.layer();
  const double frames = z->shape[2];
  std::vector<Value> row;
  for (double i = 0; i < frames; i += tile_step) {
    if (!m.declaring) m.begin_layer(place);
    const Value part = m.view(z, with_frames(z->shape, std::min(tile_frames + 1, frames - i)));
    row.push_back(tiled ? LatentDecoder::decode_tiled(m, part) : decode_tile(m, part));
  }
  return shaped(m, row.front(), with_frames(row.front()->shape, (frames - 1) * shrinks_time + 1), "video");
}

Value HunyuanVideoAutoencoder::decode(Machine& m, const Value& latents) const { return latents->shape[2] > tile_frames ? in_time(m, latents, false) : decode_tile(m, latents); }

Value HunyuanVideoAutoencoder::decode_tiled(Machine& m, const Value& latents) const {
  return latents->shape[2] > tile_frames ? in_time(m, latents, true) : LatentDecoder::decode_tiled(m, latents);
}

/// Only for its parameters.
void HunyuanVideoAutoencoder::encode(Machine& m) const {
  const Machine::Scope scope(m, "encoder");
  Value h = convolve(m, "conv_in", m.allocate({1, image_channels, 1, 8, 8}, m.weight_format, "video"), widths.front());
  for (std::size_t i = 0; i < widths.size(); ++i) {
    for (double r = 0; r < resnets; ++r) h = resnet(m, h, widths[i], groups);
    if (grows[i] || grows_time[i]) h = convolve(m, "downsamplers", h, widths[i]);
  }
  h = middle(m, h);
  h = group_norm(m, "conv_norm_out", h, groups);
  h = convolve(m, "conv_out", h, 2 * latent_channels);
  convolve(m, "quant_conv", h, 2 * latent_channels, 1);
}

void HunyuanVideoAutoencoder::declare(Machine& m) const {
  decode_tile(m, m.allocate({1, latent_channels, 1, 1, 1}, m.weight_format, "latents"));
  encode(m);
}

}  // namespace gpumem
