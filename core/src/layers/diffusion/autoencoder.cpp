// Source: [diffusers] models/autoencoders/autoencoder_kl.py, vae.py Encoder.forward, Decoder.forward

#include "layers/diffusion/autoencoder.hpp"

#include <algorithm>

#include "layers/dense.hpp"
#include "layers/diffusion/parts.hpp"
#include "layers/diffusion/unet.hpp"

namespace gpumem {
namespace {

/// Source: [diffusers] models/attention_processor.py AttnProcessor2_0: one head as wide as the channels
Value image_attention(Machine& m, const Value& x, double groups) {
  const Machine::Scope scope(m, "attentions");
  const double b = x->shape[0], c = x->shape[1];
  const Value normed = m.view(group_norm(m, "group_norm", x, groups), {b, x->shape[2] * x->shape[3], c});
  const Value q = linear_across(m, "to_q", normed, c), k = linear_across(m, "to_k", normed, c), v = linear_across(m, "to_v", normed, c);
  Value h = fused_attention(m, q, k, v, 1);
  h = dense(m, "to_out", h, c, true);
  h = alike(m, x, "sum");
  return alike(m, h, "scaled sum");
}

}  // namespace

Value ImageAutoencoder::middle(Machine& m, const Value& x) const {
  const Machine::Scope scope(m, "mid_block");
  Value h = resnet_block(m, "resnets", x, x->shape[1], {}, groups);
  if (mid_attends) h = image_attention(m, h, groups);
  return resnet_block(m, "resnets", h, x->shape[1], {}, groups);
}

Value ImageAutoencoder::encode(Machine& m, const Value& image) const {
  const Machine::Scope scope(m, "encoder");
  Value h = convolve2d(m, "conv_in", image, channels.front());
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const Machine::Scope down(m, "down_blocks");
    for (double r = 0; r < resnets; ++r) h = resnet_block(m, "resnets", h, channels[i], {}, groups);
    if (i + 1 < channels.size()) h = convolve2d(m, "downsamplers", h, channels[i], 3, 2);
  }
  h = middle(m, h);
  h = group_norm(m, "conv_norm_out", h, groups);
  h = m.silu(h);
  h = convolve2d(m, "conv_out", h, 2 * latent_channels);
  return quant ? convolve2d(m, "quant_conv", h, 2 * latent_channels, 1) : h;
}

Value ImageAutoencoder::decode(Machine& m, const Value& latents) const {
  Value z = latents;
  if (post_quant) z = convolve2d(m, "post_quant_conv", latents, latent_channels, 1);
  const Machine::Scope scope(m, "decoder");
  Value h = convolve2d(m, "conv_in", z, channels.back());
  h = middle(m, h);
  for (std::size_t i = channels.size(); i-- > 0;) {
    const Machine::Scope ups(m, "up_blocks");
    const auto up = [&](const Value& x) {
      Value y = x;
      for (double r = 0; r <= resnets; ++r) y = resnet_block(m, "resnets", y, channels[i], {}, groups);
      if (i == 0) return y;
      const auto larger = [&](const Value& small) {
        Value twice = upsample2d(m, small);
        return convolve2d(m, "upsamplers", twice, channels[i]);
      };
      return larger(y);
    };
    h = up(h);
  }
  h = group_norm(m, "conv_norm_out", h, groups);
  h = m.silu(h);
  return convolve2d(m, "conv_out", h, image_channels);
}

void ImageAutoencoder::declare(Machine& m) const {
  decode(m, m.allocate({1, latent_channels, 8, 8}, m.weight_format, "latents"));
  encode(m, m.allocate({1, image_channels, 64, 64}, m.weight_format, "image"));
}

namespace {

Value part(Machine& m, const Value& x, double images, double height, double width) {
  Shape shape = x->shape;
  shape[0] = images;
  shape[-2] = height;
  shape[-1] = width;
  return m.view(x, shape);
}

/// One direction of a grid of tiles, in latents and in pixels.
struct Grid {
  double side, step, kept;
  Grid(double pixels, double overlap, double shrinks)
      : side(std::floor(pixels / shrinks)), step(std::max(1.0, std::floor(side * (1 - overlap) + 1e-9))), kept(pixels - std::floor(pixels * overlap)) {}
};

}  // namespace

/// Tiles that overlap, decoded one after the other and kept; rows of them are cut, glued and glued again.
/// Source: [diffusers] models/autoencoders/autoencoder_kl.py AutoencoderKL.tiled_decode,
/// autoencoder_kl_cogvideox.py AutoencoderKLCogVideoX.tiled_decode
Value LatentDecoder::decode_tiled(Machine& m, const Value& z) const {
  const int place = m.layer();
  const Grid down(tile_height, overlap_height, shrinks), along(tile_width, overlap_width, shrinks);
  const double height = z->shape[-2], width = z->shape[-1];
  std::vector<std::vector<Value>> rows;
  for (double y = 0; y < height; y += down.step) {
    rows.emplace_back();
    for (double x = 0; x < width; x += along.step) {
      const Value tile = part(m, z, z->shape[0], std::min(down.side, height - y), std::min(along.side, width - x));
      m.begin_layer(place);
      rows.back().push_back(decode_tile(m, tile));
    }
  }
  std::vector<Value> glued;
  double total = 0, across = 0;
  for (const std::vector<Value>& row : rows) {
    across = 0;
    const double high = std::min(down.kept, row.front()->shape[-2]);
    for (const Value& tile : row) across += std::min(along.kept, tile->shape[-1]);
    total += high;
    glued.push_back(shaped(m, row.front(), part(m, row.front(), z->shape[0], high, across)->shape, "row of tiles"));
  }
  return shaped(m, glued.front(), part(m, glued.front(), z->shape[0], total, across)->shape, "image");
}

/// Source: [diffusers] models/autoencoders/autoencoder_kl.py AutoencoderKL.decode, _decode
Value decode_image(Machine& m, const LatentDecoder& vae, const Value& z, const DecodePlan& plan) {
  const int place = m.layer();
  const bool tiled = plan.tiles && (z->shape[-1] > std::floor(vae.tile_width / vae.shrinks) || z->shape[-2] > std::floor(vae.tile_height / vae.shrinks));
  const auto whole = [&](const Value& latents) {
    m.begin_layer(place);
    return tiled ? vae.decode_tiled(m, latents) : vae.decode(m, latents);
  };
  const double images = z->shape[0];
  if (!plan.slices || images <= 1) return whole(z);
  std::vector<Value> made;
  for (double i = 0; i < images; ++i) made.push_back(whole(part(m, z, 1, z->shape[-2], z->shape[-1])));
  return shaped(m, made.front(), part(m, made.front(), images, made.front()->shape[-2], made.front()->shape[-1])->shape, "images");
}

}  // namespace gpumem
