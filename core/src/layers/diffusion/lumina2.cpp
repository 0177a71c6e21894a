// Source: [diffusers] models/transformers/transformer_lumina2.py

#include "layers/diffusion/lumina2.hpp"

#include <algorithm>

#include "layers/dense.hpp"
#include "layers/diffusion/parts.hpp"

namespace gpumem {
namespace {

/// Pairs as complex numbers of twice that precision. Source: [diffusers] models/embeddings.py apply_rotary_emb
Value turned(Machine& m, const Value& x) {
  const Value wide = m.cast(x, fp32);
  const Value product = m.allocate(x->shape.with_last(2 * x->shape[-1]), fp32, "turned");
  return alike(m, x, "turned, narrow");
}

}  // namespace

Value Lumina2Transformer::attend(Machine& m, const Value& x, bool masked) const {
  const Machine::Scope scope(m, "attn");
  const double w = width(), kept = kv_heads * head_dim;
  Value q = dense(m, "to_q", x, w, false), k = dense(m, "to_k", x, kept, false), v = dense(m, "to_v", x, kept, false);
  q = head_norm(m, "norm_q", q, heads);
  k = head_norm(m, "norm_k", k, kv_heads);
  q = turned(m, q);
  k = turned(m, k);
  k = shaped(m, k, x->shape, "keys, repeated");
  v = shaped(m, v, x->shape, "values, repeated");
  const Value out = fused_attention(m, q, k, v, heads, masked);
  return dense(m, "to_out", out, w, false);
}

/// SiLU in fp32. Source: [diffusers] models/attention.py LuminaFeedForward.forward
Value Lumina2Transformer::feed_forward(Machine& m, const Value& x) const {
  const Machine::Scope scope(m, "feed_forward");
  const auto active = [&] {
    const Value inner = dense(m, "linear_1", x, feed_width, false);
    const auto wide = [&] {
      const Value widened = m.cast(inner, fp32);
      return m.silu(widened);
    };
    return m.cast(wide(), x->format);
  };
  const auto gated = [&] {
    const Value gate = active(), up = dense(m, "linear_3", x, feed_width, false);
    return m.multiply(gate, up);
  };
  return dense(m, "linear_2", gated(), width(), false);
}

/// Without a timestep nothing is scaled: the words' own layers. What is normalised and what attention gave are held until the end.
Value Lumina2Transformer::block(Machine& m, const char* name, const Value& x, const Value& time) const {
  const Machine::Scope scope(m, name);
  const Value rows = time ? conditions(m, "norm1", time, 4 * width()) : Value();
  const auto scaled = [&](const char* norm, const Value& h) {
    const Value normed = rms_norm(m, norm, h);
    return time ? m.scale(normed, "scaled") : normed;
  };
  const auto gated_sum = [&](const char* norm, const Value& h, const Value& added) {
    Value normed = rms_norm(m, norm, added);
    if (time) normed = m.scale(normed, "gated");
    return m.add(h, normed);
  };
  const Value normed = scaled("norm1", x), attended = attend(m, normed, !time);
  const Value h = gated_sum("norm2", x, attended);
  const auto feed = [&] { return feed_forward(m, scaled("ffn_norm1", h)); };
  const Value fed = feed();
  return gated_sum("ffn_norm2", h, fed);
}

void Lumina2Transformer::declare(Machine& m) const {
  const auto empty = [&](const Shape& shape) { return m.allocate(shape, m.weight_format, "input"); };
  predict(m, {empty({1, in_channels, patch, patch}), empty({1, 1, text_width}), {}, 1, patch, patch, 1});
}

Value Lumina2Transformer::predict(Machine& m, const DenoiserInput& in) const {
  constexpr double waves = 256, widest_time = 1024;
  const double w = width(), b = in.batch, words = in.text->shape[1], patches = in.latents->shape[2] / patch * in.latents->shape[3] / patch;
  const Value time = embed_timestep(m, "timestep_embedder", m.cast(timestep_waves(m, b, waves, true), m.weight_format), std::min(w, widest_time));
  Value text = dense(m, "caption_embedder", rms_norm(m, "caption_norm", in.text), w, true);
  std::vector<Value> turns;
  for (const double rows : {words, patches, words + patches}) turns.push_back(m.allocate({b, rows, 2 * head_dim}, fp32, "turns"));
  const auto embedded = [&] {
    const Value laid_out = shaped(m, in.latents, {b, patches, in_channels * patch * patch}, "patches");
    return dense(m, "x_embedder", laid_out, w, true);
  };
  Value h = embedded();
  for (double i = 0; i < refiners; ++i) text = block(m, "context_refiner", text, {});
  for (double i = 0; i < refiners; ++i) h = block(m, "noise_refiner", h, time);
  const Value joined = glued_rows(m, text, h, "words and patches");   // held until the end
  h = joined;
  for (double i = 0; i < layers; ++i) h = block(m, "layers", h, time);
  const auto normed = [&] {
    const Value scale = conditions(m, "norm_out", time, w);
    const Value plain = row_norm(m, "norm_out", h, false);
    return m.scale(plain, "scaled");
  };
  h = dense(m, "linear_2", normed(), patch * patch * out_channels, true);
  return unpatched(m, h, with_channels(in.latents->shape, out_channels));
}

}  // namespace gpumem
