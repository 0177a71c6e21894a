// Source: [diffusers] models/transformers/auraflow_transformer_2d.py

#include "layers/diffusion/aura_flow.hpp"

#include "layers/dense.hpp"
#include "layers/diffusion/parts.hpp"

namespace gpumem {
namespace {

/// Source: [diffusers] models/normalization.py FP32LayerNorm.forward
Value wide_norm(Machine& m, const Value& x) {
  const auto normed = [&] {
    const Value wide = m.cast(x, fp32);
    return m.layer_norm(wide, {}, {});
  };
  return m.cast(normed(), x->format);
}

}  // namespace

/// Source: [diffusers] models/normalization.py AdaLayerNormZero.forward
Value AuraFlowTransformer::modulated(Machine& m, const char* name, const Value& x, const Value& time) const {
  const Machine::Scope scope(m, name);
  const Value rows = dense(m, "linear", m.silu(time), 6 * width(), false);
  const Value normed = wide_norm(m, x);
  return modulate(m, normed);
}

Value AuraFlowTransformer::feed_forward(Machine& m, const char* name, const Value& x) const {
  const Machine::Scope scope(m, name);
  constexpr double multiple = 256;
  const double inner = std::ceil(std::floor(2 * std::floor(4 * width()) / 3) / multiple) * multiple;
  const auto gated = [&] {
    const Value gate = m.silu(dense(m, "linear_1", x, inner, false)), up = dense(m, "linear_2", x, inner, false);
    return m.multiply(gate, up);
  };
  return dense(m, "out_projection", gated(), width(), false);
}

AuraFlowTransformer::Streams AuraFlowTransformer::attend(Machine& m, const Value& image, const Value& text) const {
  const Machine::Scope scope(m, "attn");
  const double w = width();
  Value q = dense(m, "to_q", image, w, false), k = dense(m, "to_k", image, w, false), v = dense(m, "to_v", image, w, false);
  Value text_q, text_k, text_v;
  if (text) {
    text_q = dense(m, "add_q_proj", text, w, false);
    text_k = dense(m, "add_k_proj", text, w, false);
    text_v = dense(m, "add_v_proj", text, w, false);
  }
  const auto by_head = [&](const Value& x) { return m.view(wide_norm(m, m.view(x, {x->shape[0], x->shape[1], heads, head_dim})), x->shape); };
  q = by_head(q);
  k = by_head(k);
  if (text) {
    text_q = by_head(text_q);
    text_k = by_head(text_k);
    q = glued_rows(m, text_q, q, "queries");
    k = glued_rows(m, text_k, k, "keys");
    v = glued_rows(m, text_v, v, "values");
  }
  const Value out = fused_attention(m, q, k, v, heads);
  Streams made;
  made.image = dense(m, "to_out", rows_of(m, out, image->shape[1]), w, false);
  if (text) made.text = dense(m, "to_add_out", rows_of(m, out, text->shape[1]), w, false);
  return made;
}

/// x + gate · feed-forward of the normed sum.
Value AuraFlowTransformer::fed(Machine& m, const char* name, const Value& x, const Value& attended) const {
  const auto normed = [&] {
    const Value gated = alike(m, attended, "gated");
    return wide_norm(m, m.add(x, gated));
  };
  Value h = normed();
  h = modulate(m, h);
  h = m.scale(feed_forward(m, name, h), "gated");
  return m.add(x, h);
}

AuraFlowTransformer::Streams AuraFlowTransformer::block(Machine& m, const Streams& x, const Value& time) const {
  const Machine::Scope scope(m, x.text ? "joint_transformer_blocks" : "single_transformer_blocks");
  const Value normed = modulated(m, "norm1", x.image, time), text_normed = x.text ? modulated(m, "norm1_context", x.text, time) : Value();
  const Streams attended = attend(m, normed, text_normed);
  Streams made;
  made.image = fed(m, "ff", x.image, attended.image);
  if (x.text) made.text = fed(m, "ff_context", x.text, attended.text);
  return made;
}

void AuraFlowTransformer::declare(Machine& m) const {
  const auto empty = [&](const Shape& shape) { return m.allocate(shape, m.weight_format, "input"); };
  predict(m, {empty({1, in_channels, patch, patch}), empty({1, 1, text_width}), {}, 1, patch, patch, 1});
}

Value AuraFlowTransformer::predict(Machine& m, const DenoiserInput& in) const {
  const double w = width(), b = in.batch, patches = in.latents->shape[2] / patch * in.latents->shape[3] / patch;
  Streams x;
  const auto embedded = [&] {
    const Machine::Scope scope(m, "pos_embed");
    const Value laid_out = shaped(m, in.latents, {b, patches, in_channels * patch * patch}, "patches");
    const Value rows = dense(m, "proj", laid_out, w, true), table = m.parameter("pos_embed", {1, places, w});
    const Value own = shaped(m, rows, {1, patches, w}, "places");
    return m.add(rows, own);
  };
  x.image = embedded();
  constexpr double waves = 256;
  const Value time = embed_timestep(m, "time_step_proj", m.cast(timestep_waves(m, b, waves, true), m.weight_format), w);
  const Value words = dense(m, "context_embedder", in.text, w, false), registers = m.parameter("register_tokens", {1, register_tokens, w});
  x.text = shaped(m, words, {b, register_tokens + words->shape[1], w}, "words and registers");
  for (double i = 0; i < layers; ++i) x = block(m, x, time);
  if (single_layers > 0) {
    const Value text = x.text, image = x.image;   // held until the end
    x = {{}, glued_rows(m, x.text, x.image, "text and image")};
    for (double i = 0; i < single_layers; ++i) x = block(m, x, time);
    x.image = m.view(x.image, {b, patches, w});
  }
  const auto last = [&] {
    const Value rows = dense(m, "norm_out", m.silu(time), 2 * w, false);
    return modulate(m, x.image);
  };
  x.image = last();
  x.image = dense(m, "proj_out", x.image, patch * patch * out_channels, false);
  return unpatched(m, x.image, with_channels(in.latents->shape, out_channels));
}

}  // namespace gpumem
