// Source: [diffusers] models/transformers/transformer_wan.py

#include "layers/dense.hpp"
#include "layers/diffusion/parts.hpp"
#include "layers/diffusion/transformers.hpp"

namespace gpumem {
namespace {

/// norm(x.float()) · (1 + scale) + shift, back in x's format; parameters stay in fp32. `conditions`: rows of scales, one or one a token.
Value wide_norm(Machine& m, const char* name, const Value& x, bool affine, double conditions) {
  const Machine::Scope scope(m, name);
  const Value weight = affine ? m.parameter("weight", {x->shape[-1]}, fp32, false) : Value();
  const Value offsets = affine ? m.parameter("bias", {x->shape[-1]}, fp32, false) : Value();
  Value normed;
  {
    const Value wide = m.cast(x, fp32);
    normed = m.layer_norm(wide, {}, {});
  }
  if (conditions > 0) {
    Value scaled;
    {
      const Value factor = m.allocate({x->shape[0], conditions, x->shape[-1]}, fp32, "1 + scale");
      scaled = alike(m, normed, "scaled");
      normed.drop();
    }
    normed = alike(m, scaled, "shifted");
  }
  return m.cast(std::move(normed), x->format);
}

/// (x.float() + added · gate) in x's format
Value gated_sum(Machine& m, const Value& x, const Value& added, bool widened) {
  Value sum;
  {
    const Value wide = m.cast(x, fp32);
    Value product;
    {
      const Value operand = widened ? m.cast(added, fp32) : added;
      product = m.allocate(x->shape, fp32, "gated");
    }
    sum = alike(m, product, "sum");
  }
  return m.cast(std::move(sum), x->format);
}

/// Pairs of channels are turned half by half into a new tensor.
Value turn_halves(Machine& m, const Value& x) {
  Value out = alike(m, x, "turned");
  for (int half = 0; half < 2; ++half) {
    const Shape shape = x->shape.with_last(x->shape[-1] / 2);
    const Value a = shaped(m, x, shape, "by cosines"), b = shaped(m, x, shape, "by sines"), c = shaped(m, x, shape, "half");
  }
  return out;
}

}  // namespace

Value WanTransformer::attend(Machine& m, const char* name, const Value& x, const Value& text) const {
  const Machine::Scope scope(m, name);
  const double w = width();
  const Value& read = text ? text : x;
  Value q = dense(m, "to_q", x, w, true), k = dense(m, "to_k", read, w, true);
  const Value v = dense(m, "to_v", read, w, true);
  q = fused_rms_norm(m, "norm_q", q, w);
  k = fused_rms_norm(m, "norm_k", k, w);
  if (!text) {
    q = turn_halves(m, q);
    k = turn_halves(m, k);
  }
  const Value out = fused_attention(m, q, k, v, heads);
  return dense(m, "to_out", out, w, true);
}

Value WanTransformer::block(Machine& m, const Value& x, const Value& text, double steps) const {
  const Machine::Scope scope(m, "blocks");
  const double w = width();
  const Value table = m.parameter("scale_shift_table", {1, 6, w}, fp32, false);
  Value rows;
  {
    const Value wide = m.allocate({x->shape[0], steps, 6, w}, fp32, "conditions");
    rows = alike(m, wide, "conditions");
  }
  Value normed = wide_norm(m, "norm1", x, false, steps);
  Value attended = attend(m, "attn1", normed, {});
  Value h = gated_sum(m, x, attended, false);
  normed = cross_norm ? wide_norm(m, "norm2", h, true, 0) : m.cast(m.cast(h, fp32), h->format);
  attended = attend(m, "attn2", normed, text);
  h = m.add(h, attended);
  normed = wide_norm(m, "norm3", h, false, steps);
  const Value fed = plain_feed_forward(m, "ffn", normed, feed_width, w);
  return gated_sum(m, h, fed, true);
}

std::vector<Value> WanTransformer::buffers(Machine& m) const {
  const Shape table = {places, head_dim};
  return {m.allocate(table, m.weight_format, "cosines", Component::workspace), m.allocate(table, m.weight_format, "sines", Component::workspace)};
}

void WanTransformer::declare(Machine& m) const {
  const auto empty = [&](const Shape& shape) { return m.allocate(shape, m.weight_format, "input"); };
  predict(m, {empty({1, in_channels, 1, patch, patch}), empty({1, 1, text_width}), {}, 1, patch, patch, 1});
}

Value WanTransformer::predict(Machine& m, const DenoiserInput& in) const {
  const double w = width(), b = in.batch;
  const Shape& video = in.latents->shape;
  const double rows = video[2] * video[3] / patch * video[4] / patch, steps = in.step_each ? rows : 1;
  const Value cosines = m.allocate({rows, head_dim}, m.weight_format, "cosines"), sines = m.allocate({rows, head_dim}, m.weight_format, "sines");
  Value h;
  {
    const Machine::Scope scope(m, "patch_embedding");
    const Value weight = m.parameter("weight", {w, in_channels, 1, patch, patch});
    const Value offsets = m.parameter("bias", {w});
    const Value patches = m.allocate({b, w, rows}, m.weight_format, "patches");
    h = m.allocate({b, rows, w}, m.weight_format, "patches, laid out");
  }
  Value time, text, projected;
  {
    const Machine::Scope scope(m, "condition_embedder");
    const Format* own = m.weight_format;
    m.weight_format = fp32;
    const Value wide = embed_timestep(m, "time_embedder", timestep_waves(m, b * steps, waves, true), w);
    m.weight_format = own;
    time = m.cast(wide, own);
    projected = dense(m, "time_proj", m.silu(time), 6 * w, true);
    Value inner = dense(m, "text_embedder.linear_1", in.text, w, true);
    inner = m.gelu(inner);
    text = dense(m, "text_embedder.linear_2", inner, w, true);
  }
  for (double i = 0; i < layers; ++i) h = block(m, h, text, steps);
  const Value table = m.parameter("scale_shift_table", {1, 2, w}, fp32, false);
  const Value last = m.allocate({b, steps, 2, w}, fp32, "conditions");
  h = wide_norm(m, "norm_out", h, false, steps);
  h = dense(m, "proj_out", h, out_channels * patch * patch, true);
  Shape out = video;
  out[1] = out_channels;
  return unpatched(m, h, out);
}

}  // namespace gpumem
