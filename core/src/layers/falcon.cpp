// Falcon: attention, layer and masks as its own code has them.

#include "layers/falcon.hpp"

#include "layers/attention.hpp"
#include "layers/dense.hpp"
#include "layers/mlp.hpp"
#include "layers/norms.hpp"
#include "layers/rotary.hpp"

namespace gpumem {
namespace {

/// A bias is added to the product, and not inside of it.
/// Source: [transformers] models/falcon/modeling_falcon.py FalconLinear
Value linear(Machine& m, const char* name, const Value& x, double width, bool bias) {
  const Value product = dense(m, name, x, width, false);
  if (!bias) return product;
  const Machine::Scope scope(m, name);
  return m.add(product, m.parameter("bias", {width}));
}

struct Parts {
  Value query, key, value;
};

void picked_backward(Machine& m, Node& n, Gradients& g) {
  g.made[0] = m.gradient_like(n, 0, "gradient, zeros around a part", Layout::token_major);
}

/// A part picked by a number that lies on the device: a copy.
/// Source: [pytorch-derivatives] index
Value picked(Machine& m, const Value& x, const Shape& shape, const char* label) {
  const Value number = m.allocate({1}, int64, "which part");
  Node* node = m.record(picked_backward, {&x});
  m.save(node, number);
  Value out = m.allocate(shape, x->format, label);
  return m.bind(node, out);
}

/// Keys and values are picked by number, which copies them; grouped ones are then stretched over their queries.
/// Source: [transformers] models/falcon/modeling_falcon.py FalconAttention._split_heads
Parts split_heads(Machine& m, const AttentionLayer& a, const Value& fused) {
  const double b = fused->shape[0], s = fused->shape[1];
  const Shape few = {b, a.kv_heads, s, a.head_dim}, all = {b, a.heads, s, a.head_dim};
  const auto one = [&](const char* label) { return picked(m, fused, few, label); };
  Parts p;
  if (a.projection == AttentionLayer::Projection::sliced) {
    p.query = m.pick(fused, all), p.key = m.pick(fused, all), p.value = m.pick(fused, all);
    return p;
  }
  p.query = m.pick(fused, all);
  const Value key = one("key"), value = one("value");
  if (a.projection == AttentionLayer::Projection::split) return {p.query, key, value};
  const auto stretched = [&](const Value& x) {
    Value out = m.repeat_heads(x, a.heads / a.kv_heads);
    out->layout = Layout::token_major;
    return out;
  };
  if (a.kv_heads > 1) p.query = m.copy(p.query, "queries side by side", Layout::token_major);
  p.key = stretched(key);
  p.value = stretched(value);
  return p;
}

/// One key for all queries is no case of the fused kernels: scores and probabilities are tensors.
/// Source: [pytorch] aten/src/ATen/native/transformers/attention.cpp _scaled_dot_product_attention_math
Value unfused(Machine& m, double groups, const Pass& pass, Value q, Value k, Value v) {
  q = m.lower(std::move(q)), k = m.lower(std::move(k)), v = m.lower(std::move(v));
  const Shape& shape = pass.mask[0]->shape;
  Value mask = m.allocate(shape, q->format, "additive mask");
  m.allocate(shape, byte_flag, "mask, negated").drop();
  Value query = m.scale(q, "scaled query");
  Value key = m.copy(m.repeat_heads(k, groups), "repeated heads", Layout::head_major);
  const Value value = m.copy(m.repeat_heads(v, groups), "repeated heads", Layout::head_major);
  Value scaled = m.scale(key, "scaled key");
  Value across = m.view(scaled, {scaled->shape[0], scaled->shape[1], scaled->shape[3], scaled->shape[2]});
  scaled.drop();
  Value weights = m.matmul(query, std::move(across), "scores");
  query.drop();
  key.drop();
  weights = m.softmax(weights);
  return m.matmul(weights, value, "attention output");
}

/// A mask of numbers goes into the kernel as it is.
Value with_biases(Machine& m, const Pass& pass, Value q, Value k, Value v) {
  Value bias = m.lower(pass.mask[0]);
  const double columns = std::ceil(bias->shape[3] / 8) * 8;
  if (!m.recording && columns != bias->shape[3]) bias = m.allocate(bias->shape.with_last(columns), bias->format, "mask, padded");
  q = m.lower(std::move(q)), k = m.lower(std::move(k)), v = m.lower(std::move(v));
  return m.efficient_attention(q, k, v, bias);
}

/// Source: [transformers] models/falcon/modeling_falcon.py FalconAttention.forward, without a fused kernel
Value eager(Machine& m, const AttentionLayer& a, const Pass& pass, const Value& q, const Value& k, const Value& v,
            const Format* format, Value& probabilities) {
  const double groups = a.heads / k->shape[1];
  const Value keys = m.repeat_heads(k, groups);
  const Value product = m.matmul(q, m.view(keys, {keys->shape[0], keys->shape[1], keys->shape[3], keys->shape[2]}), "scores");
  Value scores = product;
  if (pass.bias) {
    scores = m.cast(scores, fp32);
    Value logits = m.add(scores, pass.bias);
    logits = m.scale_in_place(logits);
    const Value sum = m.add(logits, pass.mask[0]);
    probabilities = m.softmax(m.cast(sum, format));
    probabilities = m.dropout(probabilities, a.dropout);
    return m.matmul(probabilities, m.repeat_heads(v, groups), "attention output");
  }
  scores = m.scale_in_place(std::move(scores));
  const Value sum = m.add(scores, pass.mask[0]);
  probabilities = m.softmax(m.cast(sum, format));
  return m.matmul(probabilities, m.repeat_heads(v, groups), "attention output");
}

/// Source: [transformers] models/falcon/modeling_falcon.py FalconAttention.forward
AttentionResult falcon_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass) {
  const Machine::Scope scope(m, "self_attn");
  const double width = a.heads * a.head_dim;
  const Value fused = linear(m, "qkv_proj", x, width + 2 * a.kv_heads * a.head_dim, a.input_bias);
  Parts p = split_heads(m, a, fused);
  if (!pass.bias) {
    auto [query, key] = rotate(m, a, pass.rotary_of(false), p.query, p.key);
    p.query = std::move(query), p.key = std::move(key);
  }
  if (pass.cache) {
    KvCache::KeyValue all = pass.cache->update(m, p.key, p.value, 0);
    p.key = std::move(all.key), p.value = std::move(all.value);
  }
  AttentionResult result;
  const bool fused_kernel = pass.kernel != AttentionKernel::eager;
  if (!fused_kernel) {
    result.output = m.flatten_heads(eager(m, a, pass, p.query, p.key, p.value, x->format, result.probabilities));
  } else if (pass.bias) {
    result.output = m.flatten_heads(with_biases(m, pass, p.query, p.key, p.value));
  } else if (pass.mask[0] && p.key->shape[1] < a.heads) {
    result.output = m.flatten_heads(unfused(m, a.heads / p.key->shape[1], pass, p.query, p.key, p.value));
  } else {
    AttentionLayer equal = a;
    equal.kv_heads = p.key->shape[1];
    result.output = attend(m, equal, pass, p.query, p.key, p.value).output;
  }
  result.output = linear(m, "out_proj", result.output, x->shape[-1], a.output_bias);
  return result;
}

Value feed_forward(Machine& m, const MlpLayer& l, Value x) {
  const Machine::Scope scope(m, "mlp");
  const double hidden = x->shape[-1];
  x = activate(m, l.activation, linear(m, "fc1", x, l.width, l.bias));
  return linear(m, "fc2", x, hidden, l.bias);
}

}  // namespace

/// Source: [transformers] models/falcon/modeling_falcon.py FalconDecoderLayer.forward
Value falcon_layer(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass) {
  const Value normed = normalise(m, "input_layernorm", l.norm, x);
  Value read = l.order == DecoderLayer::Order::parallel ? normalise(m, "ln_mlp", l.norm, x) : Value();
  AttentionResult attended = falcon_attention(m, l.attention, normed, pass);
  Value residual = x;
  const bool one_by_one = l.order == DecoderLayer::Order::sequential;
  if (one_by_one) {
    residual = m.add(residual, m.dropout(attended.output, l.attention.dropout));
    read = normalise(m, "post_attention_layernorm", l.norm, residual);
  } else if (!read) {
    read = normed;
  }
  Value fed = feed_forward(m, l.mlp, read);
  if (!one_by_one) fed = m.add_in_place(fed, attended.output);
  Value out = m.add(residual, m.dropout(fed, l.dropout));
  if (pass.returned) *pass.returned = std::move(attended.probabilities);
  return out;
}

/// Source: [transformers] models/falcon/modeling_falcon.py build_alibi_tensor
Value falcon_biases(Machine& m, const Pass& pass, double heads, const Format* format, Value& positions, Value& ones) {
  const double keys = pass.cache ? pass.cache->keys_met(pass.past, pass.tokens, 0) : pass.tokens;
  positions = m.allocate({1, pass.tokens}, int64, "positions");
  ones = m.allocate({pass.sequences, keys}, int64, "mask of ones");
  const Value slopes = m.allocate({heads}, fp32, "slopes");
  const Value distances = m.allocate({pass.sequences, 1, keys}, int64, "distances");
  Value biases = m.allocate({pass.sequences, heads, keys}, bf16, "linear biases");
  return m.view(m.cast(std::move(biases), format), {pass.sequences, heads, 1, keys});
}

/// Source: [transformers] models/falcon/modeling_falcon.py FalconModel.forward
Value falcon_mask(Machine& m, const AttentionLayer& a, Pass& pass, const Format* format) {
  const bool flash = pass.kernel == AttentionKernel::flash;
  if (flash && !pass.bias) return {};
  const double keys = pass.cache ? pass.cache->keys_met(pass.past, pass.tokens, 0) : pass.tokens;
  const Shape one = {1, 1, pass.tokens, keys};
  Value mask = m.allocate(one, byte_flag, "causal mask");
  if (pass.kernel != AttentionKernel::eager && !pass.bias) return mask;
  const bool wide = pass.kernel == AttentionKernel::eager;
  mask = m.allocate({wide ? pass.sequences : 1, 1, pass.tokens, keys}, format, "additive mask");
  if (!pass.bias) return mask;
  const Value scaled = m.allocate(pass.bias->shape, format, "scaled biases");
  const Value hidden = m.allocate(mask->shape, byte_flag, "hidden");
  return m.allocate({pass.sequences, a.heads, pass.tokens, keys}, format, "biases and mask");
}

}  // namespace gpumem
