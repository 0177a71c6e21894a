#include "layers/diffusion/text_encoders.hpp"

#include "layers/dense.hpp"
#include "layers/diffusion/parts.hpp"

namespace gpumem {

void ClipTextEncoder::declare(Machine& m) const { encode(m, m.allocate({1, 1}, int64, "token ids"), false, true); }

std::vector<Value> ClipTextEncoder::buffers(Machine& m) const {
  return {m.allocate({1, positions}, int64, "positions", Component::workspace)};
}

/// Source: [transformers] models/clip/modeling_clip.py CLIPEncoderLayer.forward
Value ClipTextEncoder::layer(Machine& m, const Value& x) const {
  Value h = row_norm(m, "layer_norm1", x, true);
  const auto attended = [&](const Value& normed) {
    const Value q = dense(m, "q_proj", normed, hidden, true), k = dense(m, "k_proj", normed, hidden, true);
    const Value v = dense(m, "v_proj", normed, hidden, true);
    const Value out = fused_attention(m, q, k, v, heads);
    return dense(m, "out_proj", out, hidden, true);
  };
  h = attended(h);
  h = m.add(x, h);
  const Value residual = h;
  h = row_norm(m, "layer_norm2", h, true);
  const auto forwarded = [&](const Value& normed) {
    Value inner = dense(m, "fc1", normed, width, true);
    if (quick)
      inner = m.multiply(inner, m.sigmoid(m.scale(inner)));
    else
      inner = m.gelu(inner);
    return dense(m, "fc2", inner, hidden, true);
  };
  h = forwarded(h);
  return m.add(residual, h);
}

/// Source: [transformers] models/clip/modeling_clip.py CLIPTextTransformer.forward, CLIPTextModelWithProjection.forward
TextStates ClipTextEncoder::encode(Machine& m, const Value& ids, bool, bool every) const {
  Value h;
  {
    const Value words = m.embedding(ids, m.parameter("token_embedding.weight", {vocabulary, hidden}), "token embeddings");
    const Value places = m.allocate({1, ids->shape[1], hidden}, m.weight_format, "position embeddings");
    const Value weight = m.parameter("position_embedding.weight", {positions, hidden});
    h = m.add(words, places);
  }
  const Value held = h;
  TextStates made;
  for (double i = 0; i < layers; ++i) {
    if (every) made.states.push_back(h);
    made.before_last = h;
    h = layer(m, h);
  }
  if (every) made.states.push_back(h);
  made.last = row_norm(m, "final_layer_norm", h, true);
  const double b = ids->shape[0];
  Value pooled = m.allocate({b, hidden}, m.weight_format, "pooled");
  if (projection > 0) pooled = dense(m, "text_projection", pooled, projection, false);
  made.pooled = std::move(pooled);
  if (!every) made.before_last.drop();
  return made;
}

void T5TextEncoder::declare(Machine& m) const { encode(m, m.allocate({1, 1}, int64, "token ids"), false, false); }

/// Source: [transformers] models/t5/modeling_t5.py T5Attention.compute_bias, _relative_position_bucket
Value T5TextEncoder::distance_biases(Machine& m, double s) const {
  const Value table = m.parameter("relative_attention_bias.weight", {buckets, heads});
  const Value rows = m.allocate({s}, int64, "positions"), columns = m.allocate({s}, int64, "positions");
  const Value distance = m.allocate({s, s}, int64, "distances");
  Value bucket;
  {
    const Value sided = alike(m, distance, "buckets"), absolute = alike(m, distance, "distances without sign");
    const Value near = m.allocate({s, s}, byte_flag, "near");
    const Value far = alike(m, distance, "far buckets"), most = alike(m, distance, "last bucket");
    bucket = alike(m, distance, "buckets");
  }
  return m.embedding(bucket, table, "biases by distance");
}

/// Source: [transformers] models/t5/modeling_t5.py T5Attention.forward, integrations/sdpa_attention.py: biases are
/// joined with the mask, laid out anew and padded to eight columns
Value T5TextEncoder::attend(Machine& m, const Value& x, const Value& mask, Value& bias) const {
  const double inner = heads * head_dim, s = x->shape[1];
  const Value q = dense(m, "q", x, inner, false), k = dense(m, "k", x, inner, false), v = dense(m, "v", x, inner, false);
  if (!bias) bias = distance_biases(m, s);
  Value out;
  {
    Value joined = mask ? shaped(m, bias, {x->shape[0], heads, s, s}, "biases, masked") : bias;
    joined = shaped(m, bias, {mask ? x->shape[0] : 1, heads, s, s}, "biases, laid out");
    const double columns = std::ceil(s / 8) * 8;
    const Value padded = columns > s ? shaped(m, bias, {joined->shape[0], heads, s, columns}, "biases, padded") : joined;
    out = fused_attention(m, q, k, v, heads, true);
  }
  return dense(m, "o", out, hidden, false);
}

/// Source: [transformers] models/t5/modeling_t5.py T5DenseGatedActDense.forward, T5DenseActDense.forward
Value T5TextEncoder::feed_forward(Machine& m, const Value& x) const {
  const auto activated = [&](const Value& inner) {
    if (!gated) return m.relu(inner);
    if (by_silu) return m.silu(inner);
    const Value half = m.scale(inner);
    Value rest = m.scale(m.add(inner, m.scale(m.power(inner))));
    rest = m.add_number(m.tanh(std::move(rest)));
    return m.multiply(half, rest);
  };
  Value h, gate, up;
  if (gated) {
    gate = activated(dense(m, "wi_0", x, width, false));
    up = dense(m, "wi_1", x, width, false);
    h = m.multiply(gate, up);
  } else {
    h = activated(dense(m, "wi", x, width, false));
  }
  const Value weight = m.parameter("wo.weight", {hidden, width}, wide_output && m.weight_format == fp16 ? fp32 : m.weight_format, false);
  h = m.cast(h, weight->format);
  return m.linear(h, weight, {}, "wo");
}

/// Source: [transformers] models/t5/modeling_t5.py T5Block.forward
Value T5TextEncoder::clamped(Machine& m, Value x) const {
  if (x->format != fp16) return x;
  m.allocate(x->shape, byte_flag, "infinite");
  return alike(m, x, "clamped");
}

TextStates T5TextEncoder::encode(Machine& m, const Value& ids, bool masked, bool) const {
  const double s = ids->shape[1];
  const Value words = m.embedding(ids, m.parameter("shared.weight", {vocabulary, hidden}), "token embeddings");
  Value h = words;
  const Value mask = masked ? m.allocate({ids->shape[0], 1, s, s}, byte_flag, "mask") : Value();
  Value bias;
  for (double i = 0; i < layers; ++i) {
    const auto block = [&](const Value& x) {
      const auto attended = [&] {
        const Value normed = rms_norm(m, "layer.0.layer_norm", x);
        const Value out = attend(m, normed, mask, bias);
        return m.add(x, out);
      };
      Value held = clamped(m, attended());
      const auto forwarded = [&](const Value& in) {
        Value f = rms_norm(m, "layer.1.layer_norm", in);
        f = feed_forward(m, f);
        return m.add(in, f);
      };
      held = forwarded(held);
      return clamped(m, std::move(held));
    };
    h = block(h);
    if (biased_everywhere) bias.drop();
  }
  TextStates made;
  made.last = rms_norm(m, "final_layer_norm", h);
  return made;
}

}  // namespace gpumem
