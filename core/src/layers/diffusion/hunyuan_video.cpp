// Source: [diffusers] models/transformers/transformer_hunyuan_video.py

#include "layers/diffusion/hunyuan_video.hpp"

#include "layers/dense.hpp"
#include "layers/diffusion/parts.hpp"

namespace gpumem {

/// Source: [diffusers] models/transformers/transformer_hunyuan_video.py HunyuanVideoTokenRefiner.forward
Value HunyuanVideoTransformer::refine(Machine& m, const Value& text, double b) const {
  const Machine::Scope scope(m, "context_embedder");
  const double w = width();
  const Value mean = shaped(m, text, {b, text->shape[2]}, "mean of the words");
  const Value time = embed_conditions(m, mean, b, w, false);
  Value h = dense(m, "proj_in", text, w, true);
  for (double i = 0; i < refiners; ++i) {
    const auto block = [&](const Value& x) {
      const Machine::Scope blocks(m, "refiner_blocks");
      const Value normed = row_norm(m, "norm1", x, true);
      const Value q = dense(m, "to_q", normed, w, true), k = dense(m, "to_k", normed, w, true), v = dense(m, "to_v", normed, w, true);
      const Value attended = dense(m, "to_out", fused_attention(m, q, k, v, heads, true), w, true);
      const Value gates = conditions(m, "norm_out", time, 2 * w);
      const Value sum = m.add(x, m.scale(attended, "gated"));
      const Value inner = m.silu(dense(m, "ff.proj", row_norm(m, "norm2", sum, true), std::floor(widening * w), true));
      return m.add(sum, m.scale(dense(m, "ff.out", inner, w, true), "gated"));
    };
    h = block(h);
  }
  return h;
}

HunyuanVideoTransformer::Streams HunyuanVideoTransformer::attend(Machine& m, const Value& image, const Value& text) const {
  const Machine::Scope scope(m, "attn");
  const double w = width();
  Value q = dense(m, "to_q", image, w, true), k = dense(m, "to_k", image, w, true), v = dense(m, "to_v", image, w, true);
  q = head_norm(m, "norm_q", q, heads);
  k = head_norm(m, "norm_k", k, heads);
  q = turn_pairs(m, q);
  k = turn_pairs(m, k);
  Value text_q = dense(m, "add_q_proj", text, w, true), text_k = dense(m, "add_k_proj", text, w, true);
  const Value text_v = dense(m, "add_v_proj", text, w, true);
  text_q = head_norm(m, "norm_added_q", text_q, heads);
  text_k = head_norm(m, "norm_added_k", text_k, heads);
  q = glued_rows(m, q, text_q, "queries");
  k = glued_rows(m, k, text_k, "keys");
  v = glued_rows(m, v, text_v, "values");
  const Value out = fused_attention(m, q, k, v, heads, true);
  Streams made;
  made.image = dense(m, "to_out", rows_of(m, out, image->shape[1]), w, true);
  made.text = dense(m, "to_add_out", rows_of(m, out, text->shape[1]), w, true);
  return made;
}

/// Only the video's rows are turned.
Value HunyuanVideoTransformer::attend_joined(Machine& m, const Value& image, const Value& text) const {
  const Machine::Scope scope(m, "attn");
  const double w = width();
  const Value joined = glued_rows(m, image, text, "video and text");
  Value q = dense(m, "to_q", joined, w, true), k = dense(m, "to_k", joined, w, true);
  const Value v = dense(m, "to_v", joined, w, true);
  q = head_norm(m, "norm_q", q, heads);
  k = head_norm(m, "norm_k", k, heads);
  for (Value* turned : {&q, &k}) {
    const auto rotated = [&] {
      const Value part = turn_pairs(m, m.view(*turned, image->shape));
      return alike(m, joined, "turned and text");
    };
    *turned = rotated();
  }
  return fused_attention(m, q, k, v, heads, true);
}

HunyuanVideoTransformer::Streams HunyuanVideoTransformer::double_block(Machine& m, const Streams& x, const Value& time) const {
  const Machine::Scope scope(m, "transformer_blocks");
  const double w = width();
  const Value image_rows = conditions(m, "norm1", time, 6 * w);
  Value normed = modulated_norm(m, x.image);
  const Value text_rows = conditions(m, "norm1_context", time, 6 * w);
  Value text_normed = modulated_norm(m, x.text);
  const Streams attended = attend(m, normed, text_normed);
  const auto gated_sum = [&](const Value& h, const Value& added) {
    const Value gated = alike(m, added, "gated");
    return m.add(h, gated);
  };
  Streams h{gated_sum(x.image, attended.image), gated_sum(x.text, attended.text)};
  normed = row_norm(m, "norm2", h.image, false);
  text_normed = row_norm(m, "norm2_context", h.text, false);
  normed = modulate(m, normed);
  text_normed = modulate(m, text_normed);
  const double inner = std::floor(widening * w);
  const Value fed = plain_feed_forward(m, "ff", normed, inner, w), text_fed = plain_feed_forward(m, "ff_context", text_normed, inner, w);
  h.image = gated_sum(h.image, fed);
  h.text = gated_sum(h.text, text_fed);
  return h;
}

HunyuanVideoTransformer::Streams HunyuanVideoTransformer::single_block(Machine& m, const Streams& x, const Value& time) const {
  const Machine::Scope scope(m, "single_transformer_blocks");
  const double w = width(), inner = std::floor(widening * w);
  const Value residual = glued_rows(m, x.image, x.text, "video and text");
  const Value rows = conditions(m, "norm", time, 3 * w);
  const Value normed = modulated_norm(m, residual);
  const auto active = [&] {
    const Value wide = dense(m, "proj_mlp", normed, inner, true);
    return m.gelu(wide);
  };
  const Value mlp = active();
  const auto attended_by = [&] {
    const Value out = attend_joined(m, m.view(normed, x.image->shape), m.view(normed, x.text->shape));
    return alike(m, out, "attention output, glued");
  };
  const Value attended = attended_by();
  Value h = shaped(m, mlp, mlp->shape.with_last(w + inner), "attention and mlp");
  const auto projected = [&] {
    const Value out = dense(m, "proj_out", h, w, true);
    return alike(m, out, "gated");
  };
  h = projected();
  h = m.add(h, residual);
  return {m.view(h, x.image->shape), m.view(h, x.text->shape)};
}

void HunyuanVideoTransformer::declare(Machine& m) const {
  const auto empty = [&](const Shape& shape) { return m.allocate(shape, m.weight_format, "input"); };
  predict(m, {empty({1, in_channels, 1, patch, patch}), empty({1, 1, text_width}), empty({1, pooled_width}), 1, patch, patch, 1});
}

Value HunyuanVideoTransformer::predict(Machine& m, const DenoiserInput& in) const {
  const double w = width(), tokens_each = in.latents->shape[2] * in.latents->shape[3] / patch * in.latents->shape[4] / patch;
  const Value cosines = m.allocate({tokens_each, head_dim}, fp32, "cosines"), sines = m.allocate({tokens_each, head_dim}, fp32, "sines");
  const Value time = embed_conditions(m, in.pooled, in.batch, w, guided);
  Streams x;
  {
    const Value weight = m.parameter("x_embedder.weight", {w, in.latents->shape[1], 1, patch, patch}), offsets = m.parameter("x_embedder.bias", {w});
    x.image = shaped(m, in.latents, {in.batch, tokens_each, w}, "patches");
  }
  x.text = refine(m, in.text, in.batch);
  for (double i = 0; i < layers; ++i) x = double_block(m, x, time);
  for (double i = 0; i < single_layers; ++i) x = single_block(m, x, time);
  const auto normed = [&](const Value& h) {
    const Value rows = conditions(m, "norm_out", time, 2 * w);
    return modulated_norm(m, h);
  };
  x.image = normed(x.image);
  x.image = dense(m, "proj_out", x.image, patch * patch * out_channels, true);
  return unpatched(m, x.image, with_channels(in.latents->shape, out_channels));
}

}  // namespace gpumem
