// Source: [diffusers] models/transformers/transformer_z_image.py

#include "layers/diffusion/z_image.hpp"

#include <algorithm>
#include <cmath>

#include "layers/dense.hpp"
#include "layers/diffusion/parts.hpp"

namespace gpumem {
namespace {

constexpr double rows_together = 32;   // lengths are filled up to multiples of it
double filled(double rows) { return std::ceil(rows / rows_together) * rows_together; }

}  // namespace

/// Source: [diffusers] models/transformers/transformer_z_image.py ZSingleStreamAttnProcessor.__call__
Value ZImageTransformer::attend(Machine& m, const Value& x) const {
  const Machine::Scope scope(m, "attention");
  Value q = dense(m, "to_q", x, width, false), k = dense(m, "to_k", x, width, false);
  const Value v = dense(m, "to_v", x, width, false);
  if (query_norm) {
    q = head_norm(m, "norm_q", q, heads);
    k = head_norm(m, "norm_k", k, heads);
  }
  q = turn_complex(m, q);
  k = turn_complex(m, k);
  const Value out = fused_attention(m, q, k, v, heads);
  return dense(m, "to_out", out, width, false);
}

/// Source: [diffusers] models/transformers/transformer_z_image.py FeedForward.forward
Value ZImageTransformer::feed_forward(Machine& m, const Value& x) const {
  const Machine::Scope scope(m, "feed_forward");
  const double inner = std::floor(width / 3 * 8);
  const auto gated = [&] {
    const Value gate = dense(m, "w1", x, inner, false), up = dense(m, "w3", x, inner, false);
    return m.multiply(m.silu(gate), up);
  };
  return dense(m, "w2", gated(), width, false);
}

/// Without a timestep nothing is scaled: the words' own layers.
Value ZImageTransformer::block(Machine& m, const char* name, const Value& x, const Value& time) const {
  const Machine::Scope scope(m, name);
  Value rows, gates[2], scales[2];
  if (time) {
    rows = dense(m, "adaLN_modulation", time, 4 * width, true);
    for (Value& row : gates) row = m.allocate({x->shape[0], 1, width}, x->format, "gate");
    for (Value& row : scales) row = m.allocate({x->shape[0], 1, width}, x->format, "1 + scale");
  }
  const auto scaled = [&](const char* norm, const Value& h) {
    const Value normed = rms_norm(m, norm, h);
    return time ? m.scale(normed, "scaled") : normed;
  };
  const auto gated_sum = [&](const char* norm, const Value& h, const Value& added) {
    Value normed = rms_norm(m, norm, added);
    if (time) normed = m.scale(normed, "gated");
    return m.add(h, normed);
  };
  const auto attended_by = [&] { return attend(m, scaled("attention_norm1", x)); };
  const Value attended = attended_by();
  const Value h = gated_sum("attention_norm2", x, attended);
  const auto fed = [&] { return feed_forward(m, scaled("ffn_norm1", h)); };
  return gated_sum("ffn_norm2", h, fed());
}

void ZImageTransformer::declare(Machine& m) const {
  const auto empty = [&](const Shape& shape) { return m.allocate(shape, m.weight_format, "input"); };
  predict(m, {empty({1, in_channels, patch, patch}), empty({1, 1, text_width}), {}, 1, patch, patch, 1});
}

Value ZImageTransformer::predict(Machine& m, const DenoiserInput& in) const {
  constexpr double waves = 256, widest_time = 256, between = 1024;
  const Format* format = m.weight_format;
  const double b = in.batch, patches = filled(in.height / patch * in.width / patch), words = filled(in.text->shape[1]);
  const double head = width / heads, pixels = patch * patch * in_channels;
  Value time;
  {
    const Machine::Scope scope(m, "t_embedder");
    const Value wide = timestep_waves(m, b, waves, false);
    Value hidden = dense(m, "linear_1", m.cast(wide, format), between, true);
    hidden = m.silu(hidden);
    time = dense(m, "linear_2", hidden, std::min(width, widest_time), true);
  }
  const auto placed = [&](const char* name, const Value& embedded, double rows) {
    const Value token = m.parameter(name, {1, width});
    const Value kept = alike(m, embedded, "with tokens that fill up");
    return m.allocate({b, rows, width}, format, "tokens");
  };
  const auto embed_image = [&] {
    const Value laid_out = m.allocate({b * patches, pixels}, format, "patches"), joined = alike(m, laid_out, "patches");
    const Value embedded = dense(m, "all_x_embedder", joined, width, true);
    return placed("x_pad_token", embedded, patches);
  };
  Value x = embed_image();
  const Value image_turns = m.allocate({b, patches, head}, fp32, "turns");
  for (double i = 0; i < refiners; ++i) x = block(m, "noise_refiner", x, time);
  const auto embed_text = [&] {
    const Machine::Scope scope(m, "cap_embedder");
    const Value joined = m.allocate({b * words, text_width}, format, "words");
    const Value embedded = dense(m, "linear", rms_norm(m, "norm", joined), width, true);
    return placed("cap_pad_token", embedded, words);
  };
  Value text = embed_text();
  const Value text_turns = m.allocate({b, words, head}, fp32, "turns");
  for (double i = 0; i < refiners; ++i) text = block(m, "context_refiner", text, {});
  const auto join = [&] {
    const Value one_by_one = glued_rows(m, x, text, "patches and words");
    return glued_rows(m, x, text, "patches and words");
  };
  Value h = join();
  const Value turns = m.allocate({b, patches + words, head}, fp32, "turns");
  for (double i = 0; i < layers; ++i) h = block(m, "layers", h, time);
  const auto normed = [&] {
    const Value scale = m.add_number(conditions(m, "adaLN_modulation", time, width));
    const Value plain = row_norm(m, "norm_final", h, false);
    return m.scale(plain, "scaled");
  };
  h = dense(m, "linear", normed(), pixels, true);
  return m.allocate({b, in_channels, in.height, in.width}, format, "image");
}

}  // namespace gpumem
