// Source: [diffusers] models/transformers/transformer_sd3.py, attention.py JointTransformerBlock.forward,
// attention_processor.py JointAttnProcessor2_0

#include "layers/dense.hpp"
#include "layers/diffusion/parts.hpp"
#include "layers/diffusion/transformers.hpp"

namespace gpumem {
/// The text's rows come behind the image's, head by head: what the kernel makes of them is laid out anew.
Sd3Transformer::Streams Sd3Transformer::attend(Machine& m, const Value& image, const Value& text, bool last) const {
  const Machine::Scope scope(m, text ? "attn" : "attn2");
  const double w = width();
  Value q = dense(m, "to_q", image, w, true), k = dense(m, "to_k", image, w, true), v = dense(m, "to_v", image, w, true);
  if (query_norm) {
    q = head_norm(m, "norm_q", q, heads);
    k = head_norm(m, "norm_k", k, heads);
  }
  if (!text) {
    const Value out = fused_attention(m, q, k, v, heads);
    return {{}, dense(m, "to_out", out, w, true)};
  }
  Value text_q = dense(m, "add_q_proj", text, w, true), text_k = dense(m, "add_k_proj", text, w, true);
  const Value text_v = dense(m, "add_v_proj", text, w, true);
  if (query_norm) {
    text_q = head_norm(m, "norm_added_q", text_q, heads);
    text_k = head_norm(m, "norm_added_k", text_k, heads);
  }
  q = glued_rows(m, q, text_q, "queries");
  k = glued_rows(m, k, text_k, "keys");
  v = glued_rows(m, v, text_v, "values");
  Value out = fused_attention(m, q, k, v, heads);
  out = alike(m, out, "heads side by side");
  Streams made;
  // The last layer hands out the text's rows as they are: a view that keeps the whole.
  made.text = last ? m.view(out, text->shape) : linear_across(m, "to_add_out", m.view(out, text->shape), w);
  made.image = linear_across(m, "to_out", m.view(out, image->shape), w);
  return made;
}

Sd3Transformer::Streams Sd3Transformer::block(Machine& m, const Streams& x, const Value& time, bool dual, bool last) const {
  const Machine::Scope scope(m, "transformer_blocks");
  const double w = width();
  const Value rows = conditions(m, "norm1", time, (dual ? 9 : 6) * w);
  Value normed, second;
  if (dual) {
    const Value plain = row_norm(m, "norm1", x.image, false);
    normed = modulate(m, plain);
    second = modulate(m, plain);
  } else {
    normed = modulated_norm(m, x.image);
  }
  const Value text_rows = conditions(m, "norm1_context", time, (last ? 2 : 6) * w);
  Value text_normed = modulated_norm(m, x.text);
  Streams attended = attend(m, normed, text_normed, last);
  attended.image = m.scale(attended.image, "gated");
  Value image = m.add(x.image, attended.image);
  Value again;
  if (dual) {
    again = attend(m, second, {}, last).image;
    again = m.scale(again, "gated");
    image = m.add(image, again);
  }
  normed = row_norm(m, "norm2", image, false);
  normed = modulate(m, normed);
  Value fed = plain_feed_forward(m, "ff", normed, 4 * w, w);
  fed = m.scale(fed, "gated");
  image = m.add(image, fed);
  if (last) return {{}, image};
  attended.text = m.scale(attended.text, "gated");
  Value text = m.add(x.text, attended.text);
  text_normed = row_norm(m, "norm2_context", text, false);
  text_normed = modulate(m, text_normed);
  const Value text_fed = plain_feed_forward(m, "ff_context", text_normed, 4 * w, w);
  text = m.add(text, m.scale(text_fed, "gated"));
  return {text, image};
}

std::vector<Value> Sd3Transformer::buffers(Machine& m) const {
  return {m.allocate({1, positions * positions, width()}, m.weight_format, "places", Component::workspace)};
}

void Sd3Transformer::declare(Machine& m) const {
  const auto empty = [&](const Shape& shape) { return m.allocate(shape, m.weight_format, "input"); };
  predict(m, {empty({1, in_channels, patch, patch}), empty({1, 1, text_width}), empty({1, pooled_width}), 1, patch, patch, 1});
}

Value Sd3Transformer::predict(Machine& m, const DenoiserInput& in) const {
  const double w = width();
  Streams x;
  x.image = embed_patches(m, in.latents, patch, w);
  x.image = alike(m, x.image, "patches, laid out");
  const Value time = embed_conditions(m, in.pooled, in.batch, w, false);
  x.text = dense(m, "context_embedder", in.text, caption_width, true);
  for (double i = 0; i < layers; ++i) x = block(m, x, time, i < dual_layers, i + 1 == layers);
  const auto normed = [&](const Value& h) {
    const Value rows = conditions(m, "norm_out", time, 2 * w);
    return modulated_norm(m, h);
  };
  x.image = normed(x.image);
  x.image = dense(m, "proj_out", x.image, patch * patch * out_channels, true);
  Shape image = in.latents->shape;
  image[1] = out_channels;
  return unpatched(m, x.image, image);
}

}  // namespace gpumem
