#include "layers/diffusion/parts.hpp"

#include "layers/dense.hpp"

namespace gpumem {

Value alike(Machine& m, const Value& x, const char* label) { return m.allocate(x->shape, x->format, label); }
Value shaped(Machine& m, const Value& x, const Shape& shape, const char* label) { return m.allocate(shape, x->format, label); }

Shape with_channels(Shape shape, double channels) {
  shape[1] = channels;
  return shape;
}

/// Source: [pytorch-derivatives] convolution_overrideable
Value convolve2d(Machine& m, const char* name, const Value& x, double channels, double kernel, double stride, bool bias) {
  const Machine::Scope scope(m, name);
  const Value weight = m.parameter("weight", {channels, x->shape[1], kernel, kernel});
  const Value offsets = bias ? m.parameter("bias", {channels}) : Value();
  Shape shape = with_channels(x->shape, channels);
  for (const int side : {-1, -2}) shape[side] = std::ceil(shape[side] / stride);
  return shaped(m, x, shape, "convolution");
}

Value convolve_alone(Machine& m, const char* name, const Value& x, double kernel, bool bias) {
  const Machine::Scope scope(m, name);
  const Value weight = m.parameter("weight", {x->shape[1], 1, kernel, kernel});
  const Value offsets = bias ? m.parameter("bias", {x->shape[1]}) : Value();
  return alike(m, x, "convolution");
}

Value group_norm(Machine& m, const char* name, const Value& x, double groups) {
  const Machine::Scope scope(m, name);
  const Value weight = m.parameter("weight", {x->shape[1]});
  const Value offsets = m.parameter("bias", {x->shape[1]});
  Value out = alike(m, x, "group norm");
  const Value mean = shaped(m, x, {x->shape[0], groups}, "mean");
  const Value deviation = shaped(m, x, {x->shape[0], groups}, "1/deviation");
  return out;
}

Value upsample2d(Machine& m, const Value& x) {
  Shape shape = x->shape;
  for (const int side : {-1, -2}) shape[side] = 2 * shape[side];
  return shaped(m, x, shape, "upsampled");
}

Value row_norm(Machine& m, const char* name, const Value& x, bool affine) {
  const Machine::Scope scope(m, name);
  if (!affine) return m.layer_norm(x, {}, {});
  const Value weight = m.parameter("weight", {x->shape[-1]}), bias = m.parameter("bias", {x->shape[-1]});
  return m.layer_norm(x, weight, bias);
}

Value linear_across(Machine& m, const char* name, const Value& x, double width) {
  const Machine::Scope scope(m, name);
  const Value weight = m.parameter("weight", {width, x->shape[-1]});
  const Value offsets = m.parameter("bias", {width});
  const Value product = shaped(m, x, x->shape.with_last(width), name);
  return alike(m, product, "with bias");
}

/// Source: [transformers] models/t5/modeling_t5.py T5LayerNorm.forward
Value rms_norm(Machine& m, const char* name, const Value& x) {
  const Machine::Scope scope(m, name);
  const Value weight = m.parameter("weight", {x->shape[-1]});
  const Value variance = m.mean_last(m.power(m.cast(x, fp32)));
  Value normed = m.multiply(x, m.rsqrt(m.add_number(variance)));
  normed = m.cast(std::move(normed), weight->format);
  return m.multiply(weight, normed);
}

Value head_norm(Machine& m, const char* name, const Value& x, double heads) {
  return m.view(rms_norm(m, name, m.view(x, {x->shape[0], heads, x->shape[1], x->shape[2] / heads})), x->shape);
}

/// Source: [diffusers] models/transformers/transformer_qwenimage.py apply_rotary_emb_qwen
Value turn_complex(Machine& m, const Value& x) {
  const Value wide = m.cast(x, fp32);
  Value product = m.allocate(x->shape, fp32, "turned");
  return m.cast(product, x->format);
}

/// Source: [torch-fake-tensor-measurement] the kernels' own allocations
Value fused_attention(Machine& m, const Value& q, const Value& k, const Value& v, double heads, bool masked) {
  const double width = q->shape[-1] / heads;
  Value out = alike(m, q, "attention output");
  if (!masked && width <= 256 && q->format != fp32) m.allocate({q->shape[0], heads, q->shape[-2]}, fp32, "log-sum-exp");
  (void)k;
  (void)v;
  return out;
}

Value modulate(Machine& m, const Value& normed) {
  Value scaled;
  {
    const Value factor = shaped(m, normed, {normed->shape[0], 1, normed->shape[-1]}, "1 + scale");
    scaled = alike(m, normed, "scaled");
  }
  return alike(m, scaled, "shifted");
}

Value modulated_norm(Machine& m, const Value& x) {
  Value scaled;
  {
    const Value normed = row_norm(m, "norm", x, false);
    const Value factor = shaped(m, x, {x->shape[0], 1, x->shape[-1]}, "1 + scale");
    scaled = alike(m, normed, "scaled");
  }
  return alike(m, scaled, "shifted");
}

Value fused_rms_norm(Machine& m, const char* name, const Value& x, double width, bool affine) {
  const Machine::Scope scope(m, name);
  const Value weight = affine ? m.parameter("weight", {width}) : Value();
  Value out = alike(m, x, "rms norm");
  m.allocate(x->shape.with_last(x->shape[-1] / width), fp32, "1/deviation");
  return out;
}

/// Source: [diffusers] models/embeddings.py apply_rotary_emb
Value turn_pairs(Machine& m, const Value& x) {
  Value swapped;
  {
    const Value negative = shaped(m, x, x->shape.with_last(x->shape[-1] / 2), "negated half");
    swapped = alike(m, x, "swapped pairs");
  }
  Value sum;
  {
    const auto times = [&](const Value& one) {
      const Value wide = m.cast(one, fp32);
      return m.allocate(x->shape, fp32, "turned");
    };
    const Value a = times(x), b = times(swapped);
    sum = alike(m, a, "turned");
  }
  return m.cast(std::move(sum), x->format);
}

Value conditions(Machine& m, const char* name, const Value& timestep, double width) {
  const Machine::Scope scope(m, name);
  const Value active = m.silu(timestep);
  return dense(m, "linear", active, width, true);
}

/// Source: [diffusers] models/embeddings.py PixArtAlphaTextProjection.forward
Value project_caption(Machine& m, const Value& text, double width) {
  const Machine::Scope scope(m, "caption_projection");
  Value inner = dense(m, "linear_1", text, width, true);
  inner = m.gelu(inner);
  return dense(m, "linear_2", inner, width, true);
}

/// Source: [diffusers] models/attention.py FeedForward.forward, activations.py GELU
Value plain_feed_forward(Machine& m, const char* name, const Value& x, double width, double out) {
  const Machine::Scope scope(m, name);
  const auto active = [&] {
    const Value inner = dense(m, "proj", x, width, true);
    return m.gelu(inner);
  };
  const Value inner = active();
  return dense(m, "out", inner, out, true);
}

Value rows_of(Machine& m, const Value& x, double rows) {
  const Shape shape = {x->shape[0], rows, x->shape[-1]};
  return x->shape[0] > 1 && rows < x->shape[1] ? shaped(m, x, shape, "rows") : m.view(x, shape);
}

Value glued_rows(Machine& m, const Value& a, const Value& b, const char* label) {
  return shaped(m, a, {a->shape[0], a->shape[1] + b->shape[1], a->shape[2]}, label);
}

/// Source: [diffusers] models/embeddings.py get_timestep_embedding
Value timestep_waves(Machine& m, double batch, double width, bool flipped) {
  const double half = width / 2;
  Value frequencies = m.scale(m.scale(m.allocate({half}, fp32, "exponents")));
  frequencies = m.scale(std::move(frequencies), "frequencies");
  Value angles = m.allocate({batch, half}, fp32, "angles");
  angles = alike(m, angles, "scaled angles");
  Value waves;
  {
    const Value sines = alike(m, angles, "sines"), cosines = alike(m, angles, "cosines");
    waves = m.allocate({batch, width}, fp32, "waves");
  }
  if (flipped) waves = alike(m, waves, "waves, flipped");
  return waves;
}

/// Source: [diffusers] models/embeddings.py TimestepEmbedding.forward
Value embed_timestep(Machine& m, const char* name, const Value& waves, double width) {
  const Machine::Scope scope(m, name);
  Value hidden = dense(m, "linear_1", waves, width, true);
  hidden = m.silu(hidden);
  return dense(m, "linear_2", hidden, width, true);
}

}  // namespace gpumem
