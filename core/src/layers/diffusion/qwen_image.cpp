// Source: [diffusers] models/transformers/transformer_qwenimage.py

#include "layers/diffusion/qwen_image.hpp"

#include "layers/dense.hpp"
#include "layers/diffusion/parts.hpp"

namespace gpumem {

/// Source: [diffusers] models/transformers/transformer_qwenimage.py QwenDoubleStreamAttnProcessor2_0.__call__
QwenImageTransformer::Streams QwenImageTransformer::attend(Machine& m, const Value& image, const Value& text) const {
  const Machine::Scope scope(m, "attn");
  const double w = width();
  Value q = dense(m, "to_q", image, w, true), k = dense(m, "to_k", image, w, true), v = dense(m, "to_v", image, w, true);
  Value text_q = dense(m, "add_q_proj", text, w, true), text_k = dense(m, "add_k_proj", text, w, true);
  const Value text_v = dense(m, "add_v_proj", text, w, true);
  q = head_norm(m, "norm_q", q, heads);
  k = head_norm(m, "norm_k", k, heads);
  text_q = head_norm(m, "norm_added_q", text_q, heads);
  text_k = head_norm(m, "norm_added_k", text_k, heads);
  for (Value* turned : {&q, &k, &text_q, &text_k}) *turned = turn_complex(m, *turned);
  const Value all_q = glued_rows(m, text_q, q, "queries"), all_k = glued_rows(m, text_k, k, "keys"), all_v = glued_rows(m, text_v, v, "values");
  const Value out = fused_attention(m, all_q, all_k, all_v, heads);
  Streams made;
  made.image = dense(m, "to_out", rows_of(m, out, image->shape[1]), w, true);
  made.text = dense(m, "to_add_out", rows_of(m, out, text->shape[1]), w, true);
  return made;
}

/// What each step made is held until the block returns.
QwenImageTransformer::Streams QwenImageTransformer::block(Machine& m, const Streams& x, const Value& time) const {
  const Machine::Scope scope(m, "transformer_blocks");
  const double w = width();
  const Value image_rows = conditions(m, "img_mod", time, 6 * w), text_rows = conditions(m, "txt_mod", time, 6 * w);
  const Value normed = row_norm(m, "img_norm1", x.image, false), modulated = modulate(m, normed);
  const Value text_normed = row_norm(m, "txt_norm1", x.text, false), text_modulated = modulate(m, text_normed);
  const Streams attended = attend(m, modulated, text_modulated);
  const auto gated_sum = [&](const Value& h, const Value& added) {
    const Value gated = alike(m, added, "gated");
    return m.add(h, gated);
  };
  Streams h;
  h.image = gated_sum(x.image, attended.image);
  h.text = gated_sum(x.text, attended.text);
  const Value second = row_norm(m, "img_norm2", h.image, false), second_modulated = modulate(m, second);
  const Value fed = plain_feed_forward(m, "img_mlp", second_modulated, 4 * w, w);
  h.image = gated_sum(h.image, fed);
  const Value text_second = row_norm(m, "txt_norm2", h.text, false), text_second_modulated = modulate(m, text_second);
  const Value text_fed = plain_feed_forward(m, "txt_mlp", text_second_modulated, 4 * w, w);
  h.text = gated_sum(h.text, text_fed);
  if (h.text->format == fp16)
    for (Value* clipped : {&h.text, &h.image}) *clipped = m.clamp(*clipped);
  return h;
}

void QwenImageTransformer::declare(Machine& m) const {
  const auto empty = [&](const Shape& shape) { return m.allocate(shape, m.weight_format, "input"); };
  predict(m, {empty({1, 1, in_channels}), empty({1, 1, text_width}), {}, 1, 2, 2, 1});
}

Value QwenImageTransformer::predict(Machine& m, const DenoiserInput& in) const {
  const double w = width(), rows = in.latents->shape[1];
  Streams x;
  x.image = dense(m, "img_in", in.latents, w, true);
  const Value normed = rms_norm(m, "txt_norm", in.text);
  x.text = dense(m, "txt_in", normed, w, true);
  Value time;
  {
    const Machine::Scope scope(m, "time_text_embed");
    constexpr double waves = 256;
    const Value wide = timestep_waves(m, in.batch, waves, true);
    time = embed_timestep(m, "timestep_embedder", m.cast(wide, m.weight_format), w);
  }
  // Complex numbers by place: of the model, of this size, and glued for the pass.
  constexpr double places = 4096;
  const Value table = m.allocate({2, places, head_dim}, fp32, "turns by place"), own = m.allocate({rows, head_dim}, fp32, "turns"), glued = alike(m, own, "turns");
  for (double i = 0; i < layers; ++i) x = block(m, x, time);
  const auto last = [&](const Value& h) {
    const Value conditions_of = conditions(m, "norm_out", time, 2 * w);
    return modulated_norm(m, h);
  };
  x.image = last(x.image);
  return dense(m, "proj_out", x.image, latent_patch * latent_patch * out_channels, true);
}

}  // namespace gpumem
