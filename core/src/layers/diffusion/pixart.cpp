// Source: [diffusers] models/transformers/pixart_transformer_2d.py, attention.py BasicTransformerBlock.forward

#include "layers/dense.hpp"
#include "layers/diffusion/parts.hpp"
#include "layers/diffusion/transformers.hpp"

namespace gpumem {

Value embed_patches(Machine& m, const Value& latents, double patch, double width, bool placed) {
  const Machine::Scope scope(m, "pos_embed");
  const double b = latents->shape[0], patches = latents->shape[2] / patch * latents->shape[3] / patch;
  const Value weight = m.parameter("proj.weight", {width, latents->shape[1], patch, patch});
  const Value offsets = m.parameter("proj.bias", {width});
  const Value rows = shaped(m, latents, {b, patches, width}, "patches");
  return placed ? alike(m, rows, "patches with places") : rows;
}

Value unpatched(Machine& m, const Value& rows, const Shape& image) { return shaped(m, rows, image, "image"); }

/// Source: [diffusers] models/attention_processor.py AttnProcessor2_0.__call__
Value masked_attention(Machine& m, const char* name, const Value& x, const Value& text, double heads, bool normed) {
  const Machine::Scope scope(m, name);
  const double width = x->shape[-1], b = x->shape[0];
  const Value& read = text ? text : x;
  const Value mask = text ? shaped(m, x, {b, heads, 1, text->shape[1]}, "mask by heads") : Value();
  Value q = dense(m, "to_q", x, width, true), k = dense(m, "to_k", read, width, true);
  const Value v = dense(m, "to_v", read, width, true);
  if (normed) {
    q = rms_norm(m, "norm_q", q);
    k = rms_norm(m, "norm_k", k);
  }
  Value out;
  {
    const double words = text ? text->shape[1] : 0, padded = std::ceil(words / 8) * 8;
    const Value wide = padded > words ? shaped(m, x, {b, heads, 1, padded}, "mask, padded") : Value();
    out = fused_attention(m, q, k, v, heads, static_cast<bool>(text));
  }
  out = dense(m, "to_out", out, width, true);
  return m.scale(out, "rescaled");
}

Value PixArtTransformer::block(Machine& m, const Value& x, const Value& text, const Value& time) const {
  const Machine::Scope scope(m, "transformer_blocks");
  const double w = width(), b = x->shape[0];
  const Value table = m.parameter("scale_shift_table", {6, w});
  const Value rows = shaped(m, x, {b, 6, w}, "conditions");
  Value normed = row_norm(m, "norm1", x, false);
  normed = modulate(m, normed);
  Value attended = masked_attention(m, "attn1", normed, {}, heads);
  attended = m.scale(attended, "gated");
  Value h = m.add(attended, x);
  normed = h;
  attended = masked_attention(m, "attn2", normed, text, heads);
  h = m.add(attended, h);
  normed = row_norm(m, "norm2", h, false);
  normed = modulate(m, normed);
  Value fed = plain_feed_forward(m, "ff", normed, 4 * w, w);
  fed = m.scale(fed, "gated");
  (void)time;
  return m.add(fed, h);
}

std::vector<Value> PixArtTransformer::buffers(Machine& m) const {
  const double side = sample_size / patch;
  return {m.allocate({1, side * side, width()}, m.weight_format, "places", Component::workspace)};
}

void PixArtTransformer::declare(Machine& m) const {
  const auto empty = [&](const Shape& shape) { return m.allocate(shape, m.weight_format, "input"); };
  predict(m, {empty({1, in_channels, patch, patch}), empty({1, 1, text_width}), {}, 1, patch, patch, 1});
}

Value PixArtTransformer::predict(Machine& m, const DenoiserInput& in) const {
  const double w = width(), b = in.batch, words = in.text->shape[1];
  const Value mask = m.allocate({b, words}, int64, "mask"), added = m.allocate({b, words}, m.weight_format, "mask, added");
  Value h = embed_patches(m, in.latents, patch, w);
  Value time, rows;
  {
    const Machine::Scope scope(m, "adaln_single");
    constexpr double waves = 256;
    const auto embedded = [&](const char* name, double batch, double size) {
      const Value narrow = m.cast(timestep_waves(m, batch, waves, true), m.weight_format);
      return embed_timestep(m, name, narrow, size);
    };
    time = embedded("timestep_embedder", b, w);
    if (sized) {
      const Value resolution = embedded("resolution_embedder", 2 * b, w / 3), ratio = embedded("aspect_ratio_embedder", b, w / 3);
      time = m.add(time, alike(m, time, "sizes"));
    }
    rows = conditions(m, "linear", time, 6 * w);
  }
  const Value text = project_caption(m, in.text, w);
  for (double i = 0; i < layers; ++i) h = block(m, h, text, rows);
  const Value table = m.parameter("scale_shift_table", {2, w});
  const Value last = shaped(m, h, {b, 2, w}, "conditions");
  h = row_norm(m, "norm_out", h, false);
  h = modulate(m, h);
  h = dense(m, "proj_out", h, patch * patch * out_channels, true);
  Shape image = in.latents->shape;
  image[1] = out_channels;
  return unpatched(m, h, image);
}

}  // namespace gpumem
