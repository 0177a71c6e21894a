// Source: [diffusers] models/transformers/sana_transformer.py

#include "layers/diffusion/sana.hpp"

#include "layers/dense.hpp"
#include "layers/diffusion/parts.hpp"

namespace gpumem {

/// Source: [diffusers] models/transformers/sana_transformer.py GLUMBConv.forward
Value gated_convolution(Machine& m, const Value& x, double inner, double out) {
  Value h = convolve2d(m, "conv_inverted", x, 2 * inner, 1);
  h = m.silu(h);
  h = convolve_alone(m, "conv_depth", h, 3, true);
  const auto gated = [&] {
    const Value gate = shaped(m, h, with_channels(h->shape, inner), "gate");
    return alike(m, gate, "gated");
  };
  h = gated();
  return convolve2d(m, "conv_point", h, out, 1, 1, false);
}

/// Sums over all tokens, in fp32, in place of scores between them.
/// Source: [diffusers] models/attention_processor.py SanaLinearAttnProcessor2_0.__call__
Value SanaTransformer::attend(Machine& m, const Value& x) const {
  const Machine::Scope scope(m, "attn1");
  const double b = x->shape[0], s = x->shape[1], w = width();
  Value q = dense(m, "to_q", x, w, biased), k = dense(m, "to_k", x, w, biased), v = dense(m, "to_v", x, w, biased);
  if (normed) {
    q = rms_norm(m, "norm_q", q);
    k = rms_norm(m, "norm_k", k);
  }
  q = m.relu(q);
  k = m.relu(k);
  const auto widen = [&] {
    Value wide_q = m.cast(q, fp32), wide_k = m.cast(k, fp32), wide_v = m.cast(v, fp32);
    q = std::move(wide_q);
    k = std::move(wide_k);
    v = std::move(wide_v);
  };
  widen();
  v = m.allocate({b, heads, head_dim + 1, s}, fp32, "values and ones");
  const Value sums = m.allocate({b, heads, head_dim + 1, head_dim}, fp32, "sums");
  Value h = m.allocate({b, heads, head_dim + 1, s}, fp32, "read sums");
  {
    const Value weight = m.allocate({b, heads, 1, s}, fp32, "weight of all");
    h = m.allocate({b, s, w}, fp32, "weighted");
  }
  h = m.cast(h, x->format);
  h = dense(m, "to_out", h, w, true);
  return h->format == fp16 ? m.clamp(h) : h;
}

Value SanaTransformer::block(Machine& m, const Value& x, const Value& text, const Shape& image) const {
  const Machine::Scope scope(m, "transformer_blocks");
  const double w = width(), b = x->shape[0];
  const Value table = m.parameter("scale_shift_table", {6, w}), rows = shaped(m, x, {b, 6, w}, "conditions");
  const auto gated_sum = [&](const Value& h, const Value& added) {
    const Value gated = alike(m, added, "gated");
    return m.add(h, gated);
  };
  Value normed_rows = row_norm(m, "norm1", x, false);
  normed_rows = modulate(m, normed_rows);
  Value attended = attend(m, normed_rows);
  Value h = gated_sum(x, attended);
  attended = masked_attention(m, "attn2", h, text, text_heads, normed);
  h = m.add(attended, h);
  normed_rows = row_norm(m, "norm2", h, false);
  normed_rows = modulate(m, normed_rows);
  const Machine::Scope feed(m, "ff");
  const Value fed = gated_convolution(m, m.view(normed_rows, with_channels(image, w)), std::floor(widening * w), w);
  return gated_sum(h, m.view(fed, h->shape));
}

std::vector<Value> SanaTransformer::buffers(Machine& m) const {
  if (!placed) return {};
  const double side = sample_size / patch;
  return {m.allocate({1, side * side, width()}, m.weight_format, "places", Component::workspace)};
}

void SanaTransformer::declare(Machine& m) const {
  const auto empty = [&](const Shape& shape) { return m.allocate(shape, m.weight_format, "input"); };
  predict(m, {empty({1, in_channels, patch, patch}), empty({1, 1, caption_width}), {}, 1, patch, patch, 1});
}

Value SanaTransformer::predict(Machine& m, const DenoiserInput& in) const {
  const double w = width(), b = in.batch, words = in.text->shape[1];
  const Value mask = m.allocate({b, words}, int64, "mask"), added = m.allocate({b, words}, m.weight_format, "mask, added");
  Shape image = in.latents->shape;
  image[2] /= patch;
  image[3] /= patch;
  Value h = embed_patches(m, in.latents, patch, w, placed);
  Value time, rows;
  {
    const Machine::Scope scope(m, "time_embed");
    constexpr double waves = 256;
    const auto embedded = [&](const char* name) { return embed_timestep(m, name, m.cast(timestep_waves(m, b, waves, true), m.weight_format), w); };
    time = embedded("timestep_embedder");
    if (guided) time = m.add(time, embedded("guidance_embedder"));
    rows = conditions(m, "linear", time, 6 * w);
  }
  Value text = project_caption(m, in.text, w);
  text = rms_norm(m, "caption_norm", text);
  for (double i = 0; i < layers; ++i) h = block(m, h, text, image);
  const Value table = m.parameter("scale_shift_table", {2, w});
  const auto last = [&] {
    const Value plain = row_norm(m, "norm_out", h, false), shifts = shaped(m, h, {b, 2, w}, "conditions");
    return modulate(m, plain);
  };
  h = last();
  h = dense(m, "proj_out", h, patch * patch * out_channels, true);
  return unpatched(m, h, with_channels(in.latents->shape, out_channels));
}

}  // namespace gpumem
