// Source: [diffusers] models/transformers/transformer_flux.py, normalization.py AdaLayerNormZero, AdaLayerNormZeroSingle

#include "layers/dense.hpp"
#include "layers/diffusion/parts.hpp"
#include "layers/diffusion/transformers.hpp"

namespace gpumem {

/// Source: [diffusers] models/embeddings.py CombinedTimestepGuidanceTextProjEmbeddings, CombinedTimestepTextProjEmbeddings
Value embed_conditions(Machine& m, const Value& pooled, double batch, double width, bool guided) {
  const Machine::Scope scope(m, "time_text_embed");
  constexpr double waves = 256;
  const auto embedded = [&](const char* name) {
    const Value wide = timestep_waves(m, batch, waves, true);
    const Value narrow = m.cast(wide, m.weight_format);
    return embed_timestep(m, name, narrow, width);
  };
  Value time = embedded("timestep_embedder");
  if (guided) time = m.add(time, embedded("guidance_embedder"));
  const Value text = embed_timestep(m, "text_embedder", pooled, width);
  return m.add(time, text);
}

Value FluxTransformer::clipped(Machine& m, Value x) const { return x->format == fp16 ? m.clamp(std::move(x)) : x; }

/// Source: [diffusers] models/transformers/transformer_chroma.py ChromaCombinedTimestepTextProjEmbeddings.forward, ChromaApproximator.forward
Value FluxTransformer::approximate(Machine& m, double b) const {
  const Machine::Scope scope(m, "distilled_guidance_layer");
  const Format* format = m.weight_format;
  const double w = condition_width, all = all_conditions();
  const Value read = m.allocate({b, all, condition_waves}, format, "timestep, guidance and number of the condition");
  Value h = dense(m, "in_proj", read, w, true);
  for (double i = 0; i < condition_layers; ++i) {
    const Machine::Scope layer(m, "layers");
    const auto added = [&] {
      const Value normed = fused_rms_norm(m, "norms", h, w);
      return embed_timestep(m, "layers", normed, w);
    };
    h = m.add(h, added());
  }
  return dense(m, "out_proj", h, width(), true);
}

std::vector<Value> FluxTransformer::buffers(Machine& m) const {
  if (!pruned) return {};
  return {m.allocate({all_conditions(), condition_waves / 2}, m.weight_format, "numbers of conditions", Component::workspace)};
}

/// A block's conditions: made from the timestep, or already there.
Value FluxTransformer::rows(Machine& m, const char* name, const Value& time, double count) const {
  return pruned ? m.allocate({time->shape[0], count, width()}, m.weight_format, "conditions") : conditions(m, name, time, count * width());
}

FluxTransformer::Streams FluxTransformer::attend(Machine& m, const Value& image, const Value& text) const {
  const Machine::Scope scope(m, "attn");
  const double w = width();
  Value q = dense(m, "to_q", image, w, true), k = dense(m, "to_k", image, w, true), v = dense(m, "to_v", image, w, true);
  Value text_q, text_k, text_v;
  if (text) {
    text_q = dense(m, "add_q_proj", text, w, true);
    text_k = dense(m, "add_k_proj", text, w, true);
    text_v = dense(m, "add_v_proj", text, w, true);
  }
  q = fused_rms_norm(m, "norm_q", q, head_dim);
  k = fused_rms_norm(m, "norm_k", k, head_dim);
  if (text) {
    text_q = fused_rms_norm(m, "norm_added_q", text_q, head_dim);
    text_k = fused_rms_norm(m, "norm_added_k", text_k, head_dim);
    q = glued_rows(m, text_q, q, "queries");
    k = glued_rows(m, text_k, k, "keys");
    v = glued_rows(m, text_v, v, "values");
  }
  q = turn_pairs(m, q);
  k = turn_pairs(m, k);
  const double s = q->shape[1], columns = std::ceil(s / 8) * 8;
  const Value mask = pruned && columns > s ? shaped(m, q, {q->shape[0], s, columns}, "mask, padded") : Value();
  const Value out = fused_attention(m, q, k, v, heads, pruned);
  if (!text) return {{}, out};
  Streams made;
  made.image = dense(m, "to_out", rows_of(m, out, image->shape[1]), w, true);
  made.text = dense(m, "to_add_out", rows_of(m, out, text->shape[1]), w, true);
  return made;
}

FluxTransformer::Streams FluxTransformer::double_block(Machine& m, const Streams& x, const Value& time) const {
  const Machine::Scope scope(m, "transformer_blocks");
  const double w = width();
  const Value image_rows = rows(m, "norm1", time, 6);
  Value normed = modulated_norm(m, x.image);
  const Value text_rows = rows(m, "norm1_context", time, 6);
  Value text_normed = modulated_norm(m, x.text);
  const double both = x.text->shape[1] + x.image->shape[1];
  const Value mask = pruned ? shaped(m, x.image, {x.image->shape[0], both, both}, "mask") : Value();
  const Streams attended = attend(m, normed, text_normed);
  Value gated = m.scale(attended.image, "gated");
  Value image = m.add(x.image, gated);
  normed = row_norm(m, "norm2", image, false);
  normed = modulate(m, normed);
  Value fed = plain_feed_forward(m, "ff", normed, 4 * w, w);
  fed = m.scale(fed, "gated");
  image = m.add(image, fed);
  Value text_gated = m.scale(attended.text, "gated");
  Value text = m.add(x.text, text_gated);
  text_normed = row_norm(m, "norm2_context", text, false);
  text_normed = modulate(m, text_normed);
  const Value text_fed = plain_feed_forward(m, "ff_context", text_normed, 4 * w, w);
  text = m.add(text, m.scale(text_fed, "gated"));
  return {clipped(m, std::move(text)), image};
}

FluxTransformer::Streams FluxTransformer::single_block(Machine& m, const Streams& x, const Value& time) const {
  const Machine::Scope scope(m, "single_transformer_blocks");
  const double w = width();
  const Value residual = x.text ? glued_rows(m, x.text, x.image, "text and image") : x.image;
  const Value own = rows(m, "norm", time, 3);
  const Value normed = modulated_norm(m, residual);
  const auto active = [&] {
    const Value inner = dense(m, "proj_mlp", normed, 4 * w, true);
    return m.gelu(inner);
  };
  const Value inner = active();
  const double both = residual->shape[1];
  const Value mask = pruned ? shaped(m, residual, {residual->shape[0], both, both}, "mask") : Value();
  const Value attended = attend(m, normed, {}).image;
  Value h = shaped(m, inner, inner->shape.with_last(5 * w), "attention and mlp");
  h = m.scale(dense(m, "proj_out", h, w, true), "gated");
  h = clipped(m, m.add(residual, h));
  if (!x.text) return {{}, h};
  const auto part = [&](double tokens_of) { return m.view(h, {h->shape[0], tokens_of, w}); };
  return {part(x.text->shape[1]), part(x.image->shape[1])};
}

void FluxTransformer::declare(Machine& m) const {
  const auto empty = [&](const Shape& shape) { return m.allocate(shape, m.weight_format, "input"); };
  predict(m, {empty({1, 1, in_channels}), empty({1, 1, text_width}), empty({1, pooled_width}), 1, 2, 2, 1});
}

Value FluxTransformer::predict(Machine& m, const DenoiserInput& in) const {
  const double w = width(), words = in.text->shape[1], patches = in.latents->shape[1];
  const Value text_places = m.allocate({words, 3}, m.weight_format, "places"), image_places = m.allocate({patches, 3}, m.weight_format, "places");
  Streams x;
  x.image = dense(m, "x_embedder", in.latents, w, true);
  const Value time = pruned ? approximate(m, in.batch) : embed_conditions(m, in.pooled, in.batch, w, guided);
  x.text = dense(m, "context_embedder", in.text, w, true);
  const Value places = m.allocate({words + patches, 3}, m.weight_format, "places");
  const Value cosines = m.allocate({words + patches, rotary}, fp32, "cosines"), sines = m.allocate({words + patches, rotary}, fp32, "sines");
  for (double i = 0; i < layers; ++i) x = double_block(m, x, time);
  const Value held = pruned ? x.text : Value();   // until the end, where blocks work on both together
  if (pruned) x = {{}, glued_rows(m, x.text, x.image, "text and image")};
  for (double i = 0; i < single_layers; ++i) x = single_block(m, x, time);
  if (pruned) x.image = m.view(x.image, {in.batch, patches, w});
  const auto normed = [&](const Value& h) {
    const Value own = rows(m, "norm_out", time, 2);
    return modulated_norm(m, h);
  };
  x.image = normed(x.image);
  return dense(m, "proj_out", x.image, out_channels, true);
}

}  // namespace gpumem
