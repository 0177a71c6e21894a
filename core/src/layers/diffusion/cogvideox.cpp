// Source: [diffusers] models/transformers/cogvideox_transformer_3d.py, normalization.py CogVideoXLayerNormZero,
// attention_processor.py CogVideoXAttnProcessor2_0

#include "layers/dense.hpp"
#include "layers/diffusion/parts.hpp"
#include "layers/diffusion/transformers.hpp"

namespace gpumem {

/// One norm serves both streams.
CogVideoXTransformer::Streams CogVideoXTransformer::norm(Machine& m, const char* name, const Streams& x, const Value& time, Value& rows) const {
  const Machine::Scope scope(m, name);
  const double w = width();
  rows = conditions(m, "linear", time, 6 * w);
  const Value weight = m.parameter("norm.weight", {w});
  const Value offsets = m.parameter("norm.bias", {w});
  Streams made;
  made.image = modulated_norm(m, x.image);
  made.text = modulated_norm(m, x.text);
  return made;
}

Value CogVideoXTransformer::attend(Machine& m, const Streams& x) const {
  const Machine::Scope scope(m, "attn1");
  const double w = width();
  Value h = glued_rows(m, x.text, x.image, "text and video");
  Value q = dense(m, "to_q", h, w, true), k = dense(m, "to_k", h, w, true);
  const Value v = dense(m, "to_v", h, w, true);
  const auto normed = [&](const char* name, const Value& y) {
    const Machine::Scope inner(m, name);
    const Value weight = m.parameter("weight", {head_dim});
    const Value offsets = m.parameter("bias", {head_dim});
    Value out = alike(m, y, "layer norm");
    const Shape rows = {y->shape[0], heads, y->shape[1]};
    const Value mean = m.allocate(rows, fp32, "mean"), deviation = m.allocate(rows, fp32, "1/deviation");
    return out;
  };
  q = normed("norm_q", q);
  k = normed("norm_k", k);
  if (rotary) {
    turn_pairs(m, m.view(q, x.image->shape));
    turn_pairs(m, m.view(k, x.image->shape));
  }
  h = fused_attention(m, q, k, v, heads);
  h = alike(m, h, "heads side by side");
  return dense(m, "to_out", h, w, true);
}

CogVideoXTransformer::Streams CogVideoXTransformer::block(Machine& m, const Streams& x, const Value& time) const {
  const Machine::Scope scope(m, "transformer_blocks");
  const double w = width();
  Value rows, more_rows;
  Streams normed = norm(m, "norm1", x, time, rows);
  const Value attended = attend(m, normed);
  const auto added = [&](const Value& a) {
    const Value gated = alike(m, a, "gated");
    return alike(m, a, "sum");
  };
  Streams h;
  h.image = added(x.image);
  h.text = added(x.text);
  normed = norm(m, "norm2", h, time, more_rows);
  normed.image = glued_rows(m, normed.text, normed.image, "text and video");
  const Value fed = plain_feed_forward(m, "ff", normed.image, 4 * w, w);
  h.image = added(h.image);
  h.text = added(h.text);
  return h;
}

std::vector<Value> CogVideoXTransformer::buffers(Machine& m) const {
  if (rotary) return {};
  const double patches = std::floor(sample_height / patch) * std::floor(sample_width / patch) * (std::floor((sample_frames - 1) / shrinks_time) + 1);
  return {m.allocate({1, prompt_tokens + patches, width()}, m.weight_format, "places", Component::workspace)};
}

void CogVideoXTransformer::declare(Machine& m) const {
  const auto empty = [&](const Shape& shape) { return m.allocate(shape, m.weight_format, "input"); };
  predict(m, {empty({1, 1, in_channels, patch, patch}), empty({1, 1, text_width}), {}, 1, patch, patch, 1});
}

Value CogVideoXTransformer::predict(Machine& m, const DenoiserInput& in) const {
  const double w = width(), b = in.batch, words = in.text->shape[1];
  const Shape& video = in.latents->shape;   // frames before channels
  const double patches = video[1] * video[3] / patch * video[4] / patch;
  Value tables[2];
  if (rotary)
    for (Value& table : tables) table = m.allocate({patches, head_dim}, fp32, "rotary table");
  const Value narrow = m.cast(timestep_waves(m, b, w, true), m.weight_format);
  const Value time = embed_timestep(m, "time_embedding", narrow, time_width);
  Streams x;
  {
    const Machine::Scope scope(m, "patch_embed");
    const Value text = dense(m, "text_proj", in.text, w, true);
    const Value weight = m.parameter("proj.weight", {w, in_channels, patch, patch});
    const Value offsets = m.parameter("proj.bias", {w});
    Value rows = m.allocate({b, patches, w}, m.weight_format, "patches");
    rows = m.allocate({b, patches, w}, m.weight_format, "patches, laid out");
    Value both = glued_rows(m, text, rows, "text and video");
    if (!rotary) both = alike(m, both, "with places");
    x.text = m.view(both, {b, words, w});
    x.image = m.view(both, {b, patches, w});
  }
  for (double i = 0; i < layers; ++i) x = block(m, x, time);
  x.image = row_norm(m, "norm_final", x.image, true);
  const Value rows = conditions(m, "norm_out", time, 2 * w);
  const Value weight = m.parameter("norm_out.norm.weight", {w});
  const Value offsets = m.parameter("norm_out.norm.bias", {w});
  x.image = modulated_norm(m, x.image);
  x.image = dense(m, "proj_out", x.image, patch * patch * out_channels, true);
  Shape out = video;
  out[2] = out_channels;
  return unpatched(m, x.image, out);
}

}  // namespace gpumem
