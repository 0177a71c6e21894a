// Source: [diffusers] models/transformers/transformer_ltx.py

#include "layers/diffusion/ltx.hpp"

#include "layers/dense.hpp"
#include "layers/diffusion/parts.hpp"

namespace gpumem {
namespace {

/// Source: [diffusers] models/normalization.py RMSNorm.forward without a weight
Value bare_norm(Machine& m, const Value& x) {
  const Value variance = m.mean_last(m.power(m.cast(x, fp32)));
  Value normed = m.multiply(x, m.rsqrt(m.add_number(variance)));
  return m.cast(std::move(normed), x->format);
}

}  // namespace

/// The text is read through a mask, which every head has a copy of.
/// Source: [diffusers] models/transformers/transformer_ltx.py LTXVideoAttnProcessor.__call__
Value LtxTransformer::attend(Machine& m, const char* name, const Value& x, const Value& text) const {
  const Machine::Scope scope(m, name);
  const double w = width();
  const Value& read = text ? text : x;
  const Value mask = text ? shaped(m, x, {x->shape[0], heads, 1, text->shape[1]}, "mask by heads") : Value();
  Value q = dense(m, "to_q", x, w, biased), k = dense(m, "to_k", read, w, biased);
  const Value v = dense(m, "to_v", read, w, biased);
  q = fused_rms_norm(m, "norm_q", q, w);
  k = fused_rms_norm(m, "norm_k", k, w);
  if (!text) {
    q = turn_pairs(m, q);
    k = turn_pairs(m, k);
  }
  const Value out = fused_attention(m, q, k, v, heads, static_cast<bool>(text));
  return dense(m, "to_out", out, w, out_biased);
}

Value LtxTransformer::block(Machine& m, const Value& x, const Value& text) const {
  const Machine::Scope scope(m, "transformer_blocks");
  const double w = width();
  const Value table = m.parameter("scale_shift_table", {6, w});
  Value normed = bare_norm(m, x);
  const Value rows = shaped(m, x, {x->shape[0], 1, 6, w}, "conditions");
  normed = modulate(m, normed);
  Value attended = attend(m, "attn1", normed, {});
  const auto gated_sum = [&](const Value& h, const Value& added) {
    const Value gated = alike(m, added, "gated");
    return m.add(h, gated);
  };
  Value h = gated_sum(x, attended);
  attended = attend(m, "attn2", h, text);
  h = m.add(h, attended);
  const auto second = [&] {
    const Value bare = bare_norm(m, h);
    return modulate(m, bare);
  };
  normed = second();
  const Value fed = plain_feed_forward(m, "ff", normed, 4 * w, w);
  return gated_sum(h, fed);
}

void LtxTransformer::declare(Machine& m) const {
  const auto empty = [&](const Shape& shape) { return m.allocate(shape, m.weight_format, "input"); };
  predict(m, {empty({1, 1, in_channels}), empty({1, 1, caption_width}), {}, 1, 1, 1, 1});
}

Value LtxTransformer::predict(Machine& m, const DenoiserInput& in) const {
  const double w = width(), b = in.batch, words = in.text->shape[1], tokens_each = in.latents->shape[1];
  const Value mask = m.allocate({b, words}, int64, "mask"), added = m.allocate({b, words}, m.weight_format, "mask, added");
  const Value cosines = m.allocate({b, tokens_each, w}, fp32, "cosines"), sines = m.allocate({b, tokens_each, w}, fp32, "sines");
  const Value table = m.parameter("scale_shift_table", {2, w});
  Value h = dense(m, "proj_in", in.latents, w, true);
  Value time, rows;
  {
    const Machine::Scope scope(m, "time_embed");
    constexpr double waves = 256;
    const Value narrow = m.cast(timestep_waves(m, b, waves, true), m.weight_format);
    time = embed_timestep(m, "timestep_embedder", narrow, w);
    rows = conditions(m, "linear", time, 6 * w);
  }
  const Value text = project_caption(m, in.text, w);
  for (double i = 0; i < layers; ++i) h = block(m, h, text);
  const Value last = shaped(m, h, {b, 1, 2, w}, "conditions");
  h = row_norm(m, "norm_out", h, false);
  h = modulate(m, h);
  return dense(m, "proj_out", h, out_channels, true);
}

}  // namespace gpumem
