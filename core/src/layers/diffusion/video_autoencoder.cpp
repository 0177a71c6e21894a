// Source: [diffusers] models/autoencoders/autoencoder_kl_wan.py

#include "layers/diffusion/video_autoencoder.hpp"

#include <algorithm>

#include "layers/diffusion/parts.hpp"

namespace gpumem {
namespace {

Shape with_frames(Shape shape, double frames) {
  shape[2] = frames;
  return shape;
}

/// Source: [diffusers] models/autoencoders/autoencoder_kl_wan.py WanRMS_norm.forward
Value channel_norm(Machine& m, const char* name, const Value& x) {
  const Machine::Scope scope(m, name);
  const Value weight = m.parameter("gamma", {x->shape[1], 1, 1, 1});
  Value normed;
  {
    const Value wide = m.cast(x, fp32);
    Value length = m.allocate(with_channels(x->shape, 1), fp32, "length");
    length = alike(m, length, "length, at least");
    normed = alike(m, wide, "normalised");
  }
  normed = m.cast(normed, x->format);
  Value scaled = alike(m, x, "scaled");
  scaled = alike(m, x, "weighted");
  return alike(m, x, "with bias");
}

}  // namespace

/// What the convolutions keep of the frames before.
struct WanAutoencoder::Frames {
  Machine& m;
  std::vector<Value> kept;
  std::vector<bool> seen;   ///< by resampling step: a frame has passed
  std::size_t at = 0, step = 0;

  /// Frames kept before are put in front, zeros around; a kernel [time, side, side].
  Value convolve(const char* name, const Value& x, double channels, double time, double side, const Value& before) {
    const Machine::Scope scope(m, name);
    const Value weight = m.parameter("weight", {channels, x->shape[1], time, side, side});
    const Value offsets = m.parameter("bias", {channels});
    Value padded;
    {
      const double earlier = before ? before->shape[2] : 0;
      const Value joined = before ? shaped(m, x, with_frames(x->shape, x->shape[2] + earlier), "with frames before") : x;
      Shape around = with_frames(x->shape, x->shape[2] + time - 1);
      around[3] += side - 1;
      around[4] += side - 1;
      padded = shaped(m, x, around, "padded");
    }
    return shaped(m, x, with_channels(x->shape, channels), "convolution");
  }

  /// The last two frames, for the next time.
  Value last_frames(const Value& x, const Value& before) {
    const Value own = shaped(m, x, with_frames(x->shape, std::min(2.0, x->shape[2])), "frames kept");
    if (own->shape[2] >= 2 || !before) return own;
    return shaped(m, x, with_frames(x->shape, 2), "frames kept");
  }

  Value remembered(const char* name, const Value& x, double channels) {
    if (at == kept.size()) kept.emplace_back();
    Value last = last_frames(x, kept[at]);
    Value made = convolve(name, x, channels, 3, 3, kept[at]);
    kept[at++] = std::move(last);
    return made;
  }

  Value resnet(const Value& x, double channels) {
    const Machine::Scope scope(m, "resnets");
    const Value shortcut = x->shape[1] == channels ? x : convolve("conv_shortcut", x, channels, 1, 1, {});
    Value h = channel_norm(m, "norm1", x);
    h = m.silu(h);
    h = remembered("conv1", h, channels);
    h = channel_norm(m, "norm2", h);
    h = m.silu(h);
    h = remembered("conv2", h, channels);
    return m.add(h, shortcut);
  }

  Value image_convolution(const char* name, const Value& x, double channels, double kernel) {
    const Machine::Scope scope(m, name);
    const Value weight = m.parameter("weight", {channels, x->shape[1], kernel, kernel});
    const Value offsets = m.parameter("bias", {channels});
    return shaped(m, x, with_channels(x->shape, channels), "convolution");
  }

  /// Source: [diffusers] models/autoencoders/autoencoder_kl_wan.py WanAttentionBlock.forward
  Value attention(const Value& x) {
    const Machine::Scope scope(m, "attentions");
    const double c = x->shape[1];
    Value h = channel_norm(m, "norm", x);
    {
      Value three = image_convolution("to_qkv", h, 3 * c, 1);
      three = alike(m, three, "queries, keys, values");
      h = shaped(m, x, x->shape, "attention output");
      h = image_convolution("proj", h, c, 1);
    }
    return m.add(h, x);
  }

  Value middle(const Value& x) {
    const Machine::Scope scope(m, "mid_block");
    Value h = resnet(x, x->shape[1]);
    h = attention(h);
    return resnet(h, x->shape[1]);
  }

  /// Twice the frames from the second time on.
  Value doubled_frames(const Value& x) {
    if (kept.size() == at) kept.emplace_back();
    if (seen.size() == step) seen.push_back(false);
    const bool first = !seen[step];
    seen[step++] = true;
    if (first && !m.declaring) {
      ++at;
      return x;
    }
    Value last = shaped(m, x, with_frames(x->shape, std::min(2.0, x->shape[2])), "frames kept");
    if (last->shape[2] < 2) last = shaped(m, x, with_frames(x->shape, 2), "frames kept");
    Value both = convolve("time_conv", x, 2 * x->shape[1], 3, 1, kept[at]);
    kept[at++] = std::move(last);
    return shaped(m, x, with_frames(x->shape, 2 * x->shape[2]), "frames, side by side");
  }

  /// A level's input, channels repeated until they fill the next extents: the first time its early frames are passed over.
  /// Source: [diffusers] models/autoencoders/autoencoder_kl_wan.py DupUp3D.forward
  Value repeated(const Value& x, const Value& like, bool frames) {
    const double times = frames ? 2 : 1;
    Shape shape = {x->shape[0], like->shape[1], times * x->shape[2], 2 * x->shape[3], 2 * x->shape[4]};
    const Value wide = shaped(m, x, shape, "channels repeated");
    return m.view(shaped(m, x, shape, "laid out"), like->shape);
  }

  /// Source: [diffusers] models/autoencoders/autoencoder_kl_wan.py WanResample.forward
  Value larger(const Value& small, double channels, bool frames) {
    const Machine::Scope scope(m, "upsamplers");
    Value x = frames ? doubled_frames(small) : small;
    if (x->shape[0] > 1 && x->shape[2] > 1) x = alike(m, x, "frames, one by one");   // those of one video are a view
    Value twice;
    {
      const Value wide = m.cast(x, fp32);
      twice = upsample2d(m, wide);
    }
    twice = m.cast(twice, x->format);
    return image_convolution("resample", twice, channels, 3);
  }
};

Value WanAutoencoder::unpatched_video(Machine& m, Value x) const {
  if (patch <= 1) return x;
  return shaped(m, x, {x->shape[0], x->shape[1] / (patch * patch), x->shape[2], x->shape[3] * patch, x->shape[4] * patch}, "pixels laid out");
}

Value WanAutoencoder::decode_frame(Frames& f, const Value& x) const {
  Machine& m = f.m;
  f.at = f.step = 0;
  const std::size_t levels = decoder_widths.size();
  Value h = f.remembered("conv_in", x, decoder_widths.back());
  h = f.middle(h);
  for (std::size_t i = levels; i-- > 0;) {
    const Machine::Scope scope(m, "up_blocks");
    const auto up = [&](const Value& in) {
      const Value held = residual ? alike(m, in, "level's input") : Value();
      Value y = in;
      for (double r = 0; r <= resnets; ++r) y = f.resnet(y, decoder_widths[i]);
      if (i == 0) return y;
      // Only then are channels halved, unless the next level's resnets do it.
      y = f.larger(y, residual ? decoder_widths[i] : decoder_widths[i] / 2, shrinks_frames[i - 1]);
      return residual ? m.add(y, f.repeated(held, y, shrinks_frames[i - 1])) : y;
    };
    h = up(h);
  }
  h = channel_norm(m, "norm_out", h);
  h = m.silu(h);
  return f.remembered("conv_out", h, out_channels);
}

void WanAutoencoder::declare_encoder(Machine& m) const {
  Frames f{m, {}, {}};
  const Machine::Scope scope(m, "encoder");
  Value h = f.convolve("conv_in", m.allocate({1, in_channels, 1, 8, 8}, m.weight_format, "video"), widths.front(), 3, 3, {});
  for (std::size_t i = 0; i < widths.size(); ++i) {
    for (double r = 0; r < resnets; ++r) h = f.resnet(h, widths[i]);
    if (i + 1 == widths.size()) continue;
    h = f.image_convolution("downsamplers", h, widths[i], 3);
    if (shrinks_frames[i]) h = f.convolve("time_conv", h, widths[i], 3, 1, {});
  }
  h = f.middle(h);
  h = channel_norm(m, "norm_out", h);
  h = f.convolve("conv_out", h, 2 * latent_channels, 3, 3, {});
  f.convolve("quant_conv", h, 2 * latent_channels, 1, 1, {});
}

void WanAutoencoder::declare(Machine& m) const {
  decode(m, m.allocate({1, latent_channels, 1, 1, 1}, m.weight_format, "latents"));
  declare_encoder(m);
}

/// Source: [diffusers] models/autoencoders/autoencoder_kl_wan.py AutoencoderKLWan._decode
Value WanAutoencoder::decode(Machine& m, const Value& latents) const {
  const int place = m.layer();
  Frames f{m, {}, {}};
  const Value z = f.convolve("post_quant_conv", latents, latent_channels, 1, 1, {});
  const Machine::Scope scope(m, "decoder");
  Value video, more;
  for (double i = 0; i < latents->shape[2]; ++i) {
    if (!m.declaring) m.begin_layer(place);
    const Value frame = m.view(z, with_frames(z->shape, 1));
    if (i == 0) {
      video = decode_frame(f, frame);
      continue;
    }
    more = decode_frame(f, frame);
    video = shaped(m, more, with_frames(more->shape, video->shape[2] + more->shape[2]), "video");
  }
  video = unpatched_video(m, std::move(video));
  return m.clamp(video);
}

/// A tile's frames are kept one by one until the next tile begins; rows of tiles are cut, glued and glued again.
/// Source: [diffusers] models/autoencoders/autoencoder_kl_wan.py AutoencoderKLWan.tiled_decode
Value WanAutoencoder::decode_tiled(Machine& m, const Value& z) const {
  const int place = m.layer();
  const double side = std::floor(tile_width / shrinks), step = std::floor(tile_width * (1 - overlap_width) / shrinks), kept = tile_width * (1 - overlap_width) / patch;
  const Shape& whole = z->shape;
  std::vector<std::vector<Value>> rows;
  std::vector<Value> frames;
  for (double y = 0; y < whole[3]; y += step) {
    rows.emplace_back();
    for (double x = 0; x < whole[4]; x += step) {
      frames.clear();
      Frames f{m, {}, {}};
      for (double i = 0; i < whole[2]; ++i) {
        if (!m.declaring) m.begin_layer(place);
        const Value tile = m.view(z, {whole[0], whole[1], 1, std::min(side, whole[3] - y), std::min(side, whole[4] - x)});
        const Value read = f.convolve("post_quant_conv", tile, latent_channels, 1, 1, {});
        const Machine::Scope scope(m, "decoder");
        frames.push_back(decode_frame(f, read));
      }
      double length = 0;
      for (const Value& frame : frames) length += frame->shape[2];
      rows.back().push_back(shaped(m, frames.front(), with_frames(frames.front()->shape, length), "tile"));
    }
  }
  std::vector<Value> glued;
  Shape all = rows.front().front()->shape;
  all[3] = 0;
  for (const std::vector<Value>& row : rows) {
    Shape shape = row.front()->shape;
    shape[3] = std::min(kept, shape[3]);
    shape[4] = 0;
    for (const Value& tile : row) shape[4] += std::min(kept, tile->shape[4]);
    all[3] += shape[3];
    all[4] = shape[4];
    glued.push_back(shaped(m, z, shape, "row of tiles"));
  }
  Value video = unpatched_video(m, shaped(m, z, all, "video"));
  return m.clamp(video);
}

}  // namespace gpumem
