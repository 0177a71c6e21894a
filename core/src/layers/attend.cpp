// The three ways transformers computes attention on a GPU.

#include "layers/attention.hpp"
#include "machine/parts.hpp"

namespace gpumem {
namespace {

/// Other tokens of the same sequence may be hidden; of the encoder's output none is.
Value mask_of(const AttentionLayer& a, const Pass& pass) { return a.cross ? Value() : pass.mask[a.window > 0]; }
Value bias_of(const AttentionLayer& a, const Pass& pass) {
  return !a.biased_scores ? Value() : a.cross ? pass.cross_bias : pass.bias;
}

/// Softmax over the scores and one more column, which is cut off again.
/// Source: [transformers] models/gpt_oss/modeling_gpt_oss.py eager_attention_forward
Value with_sinks(Machine& m, const Value& weights, const Value& sinks) {
  const double keys = weights->shape[3];
  Value combined = m.cat(weights, m.stretch(sinks, weights->shape.with_last(1)), "scores and sinks");
  combined = m.subtract(combined, m.max_last(combined));
  const Value probabilities = m.softmax(combined);
  return m.slice(probabilities, keys);
}

/// Source: [transformers] models/llama/modeling_llama.py eager_attention_forward
AttentionResult eager(Machine& m, const AttentionLayer& a, const Pass& pass, const Value& q, const Value& k,
                      const Value& v, const Value& sinks) {
  const Value keys = m.repeat_heads(k, a.heads / a.kv_heads);
  const Value values = m.repeat_heads(v, a.heads / a.kv_heads);
  Value across = m.view(keys, {keys->shape[0], keys->shape[1], keys->shape[3], keys->shape[2]});
  Value weights = m.scale(m.matmul(q, std::move(across), "scores"), "scaled scores");
  if (a.softcap) {
    weights = m.scale(weights, "scores / cap");
    weights = m.tanh(weights);
    weights = m.scale(weights, "capped scores");
  }
  if (const Value bias = bias_of(a, pass)) weights = m.add(weights, bias);
  if (const Value mask = mask_of(a, pass)) weights = m.add(weights, mask);
  // Its own code has a name for the scores and another one for what becomes of them (MPNet).
  const bool named = whole_engine && a.biased_scores && a.output_bias;
  const Value scores = named ? weights : Value();
  if (a.sinks) {
    weights = with_sinks(m, weights, sinks);
  } else if (a.softmax_in_fp32) {
    weights = m.cast(m.softmax(m.cast(weights, fp32)), q->format);
  } else {
    weights = m.softmax(m.widen(weights));
    if (a.narrowed) weights = m.cast(weights, v->format);
  }
  weights = m.dropout(weights, a.dropout);
  AttentionResult result;
  result.output = m.flatten_heads(m.matmul(weights, values, "attention output"));
  result.probabilities = std::move(weights);
  return result;
}

/// A mask of trues and falses becomes numbers to add; both are padded to 8 columns.
/// Source: [pytorch] aten/src/ATen/native/transformers/attention.cpp convert_boolean_attn_mask, pad_bias
Value additive(Machine& m, const Value& mask, const Format* format, double batch) {
  Value bias = mask;
  if (!whole_engine || mask->format == byte_flag) {
    bias = m.allocate({batch, 1, mask->shape[2], mask->shape[3]}, format, "additive mask");
    m.allocate({batch, 1, mask->shape[2], mask->shape[3]}, byte_flag, "mask, negated").drop();
  }
  const double columns = std::ceil(mask->shape[3] / 8) * 8;
  if (!m.recording && columns != mask->shape[3]) bias = m.allocate(bias->shape.with_last(columns), format, "mask, padded");
  return bias;
}

/// Neither fused kernel takes grouped heads in fp32: scores and probabilities are tensors.
/// Source: [pytorch] aten/src/ATen/native/transformers/attention.cpp _scaled_dot_product_attention_math
Value unfused(Machine& m, const AttentionLayer& a, const Value& query, const Value& key, const Value& value, bool causal) {
  const double s = query->shape[2], t = key->shape[2];
  Value mask;
  if (!whole_engine || causal) {
    Value keep = m.allocate({s, t}, byte_flag, "causal mask");
    keep = m.allocate({s, t}, byte_flag, "causal mask, lower triangle");
    mask = m.allocate({s, t}, query->format, "additive mask");
    m.allocate({s, t}, byte_flag, "mask, negated").drop();
  }
  Value q = m.scale(query, "scaled query");
  Value k = m.repeat_heads(key, a.heads / a.kv_heads);
  const Value v = m.repeat_heads(value, a.heads / a.kv_heads);
  Value scaled = m.scale(k, "scaled key");
  Value across = m.view(scaled, {k->shape[0], k->shape[1], k->shape[3], k->shape[2]});
  scaled.drop();
  Value weights = m.matmul(q, std::move(across), "scores");
  q.drop();
  k.drop();
  weights = m.softmax(weights);
  weights = m.dropout(weights, a.dropout);
  return m.matmul(weights, v, "attention output");
}

/// A bias by distance is a mask of numbers, in every layer anew: where it is causal later tokens are cut out of it,
/// and it becomes contiguous.
/// Source: [transformers] integrations/sdpa_attention.py create_position_bias_mask
Value biased(Machine& m, const AttentionLayer& a, const Pass& pass, Value q, Value k, Value v) {
  Value bias = bias_of(a, pass);
  if (!a.cross && pass.causal && pass.tokens > 1) {
    const Value seen = m.allocate({1, 1, bias->shape[2], bias->shape[3]}, byte_flag, "causal mask");
    bias = m.where(seen, bias);
  }
  if (bias->layout == Layout::token_major) bias = m.copy(bias, "bias, contiguous", Layout::head_major);
  bias = m.lower(std::move(bias));
  const double columns = std::ceil(bias->shape[3] / 8) * 8;
  if (!m.recording && columns != bias->shape[3]) bias = m.allocate(bias->shape.with_last(columns), bias->format, "bias, padded");
  q = m.lower(std::move(q));
  k = m.lower(std::move(k));
  v = m.lower(std::move(v));
  return m.flatten_heads(m.efficient_attention(q, k, v, bias));
}

/// Until 4.48 each class had attention of its own, and most repeated grouped heads whatever the kernel.
/// Source: [transformers] 4.45 models/llama and mistral, LlamaSdpaAttention, LlamaFlashAttention2, MistralFlashAttention2
bool repeats(const Machine& m, const AttentionLayer& a, const Pass& pass) {
  return m.heads_repeated && (pass.kernel != AttentionKernel::flash || a.repeated_for_flash);
}

/// Source: [transformers] integrations/sdpa_attention.py sdpa_attention_forward
Value sdpa(Machine& m, const AttentionLayer& a, const Pass& pass, Value q, Value k, Value v) {
  if (whole_engine && a.biased_scores) return biased(m, a, pass, std::move(q), std::move(k), std::move(v));
  const Value mask = mask_of(a, pass);
  const double groups = a.heads / a.kv_heads;
  const bool one_query = pass.tokens == 1;
  const bool ungrouped = mask || (whole_engine && (a.head_dim > 256 || repeats(m, a, pass)));   // no kernel takes grouped heads so
  if (ungrouped && groups > 1 && !one_query) {
    k = m.repeat_heads(k, groups);
    v = m.repeat_heads(v, groups);
  }
  q = m.lower(std::move(q));
  k = m.lower(std::move(k));
  v = m.lower(std::move(v));
  const bool half = q->format != fp32;
  const bool even = q->shape[-1] == v->shape[-1];
  if (!mask && half && a.head_dim <= 256 && (even || pass.kernel == AttentionKernel::flash))
    return m.flatten_heads(m.flash_attention(q, k, v, even ? q->layout : Layout::token_major));
  if (!ungrouped && groups > 1 && !one_query) return m.flatten_heads(unfused(m, a, q, k, v, pass.causal));
  const Value bias = mask ? additive(m, mask, q->format, q->shape[0]) : Value();
  Value out = m.efficient_attention(q, k, v, bias);
  if (ungrouped && groups > 1 && one_query) return m.flatten_heads(m.copy(std::move(out), "heads unpacked", Layout::token_major));
  return m.flatten_heads(std::move(out));
}

}  // namespace

AttentionResult attend(Machine& m, const AttentionLayer& a, const Pass& pass, const Value& q, const Value& k,
                       const Value& v) {
  const Value sinks = a.sinks ? m.parameter("sinks", {a.heads}) : Value();
  if (pass.kernel == AttentionKernel::eager) return eager(m, a, pass, q, k, v, sinks);
  Value out = sdpa(m, a, pass, q, k, v);
  if (sinks) out = m.depending(std::move(out), sinks);
  return {std::move(out), {}, {}};
}

/// Flash attention needs no mask; sdpa none where every earlier token is seen; eager adds one to its scores.
/// Source: [transformers] masking_utils.py create_causal_mask, _ignore_causal_mask_sdpa
Value attention_mask(Machine& m, const Pass& pass, double window, const Format* format, bool unused_window) {
  if (pass.kernel == AttentionKernel::flash) return {};
  const double seen = pass.cache ? pass.cache->keys_met(pass.past, pass.tokens, window) : pass.tokens;
  const bool plain = pass.tokens == 1 || seen == pass.tokens;
  const bool whole = window == 0 || seen < window;
  const bool fixed = pass.cache && pass.cache->fixed();
  if (pass.kernel == AttentionKernel::sdpa && plain && whole && !fixed && !unused_window) return {};
  const Shape shape = {1, 1, pass.tokens, seen};
  Value mask = m.allocate(shape, byte_flag, "causal mask");
  if (window > 0 || unused_window) {
    const Value inside = m.allocate(shape, byte_flag, "window mask");
    mask = m.allocate(shape, byte_flag, "mask");
  }
  if (pass.kernel == AttentionKernel::sdpa) return mask;
  return m.allocate({pass.sequences, 1, pass.tokens, seen}, format, "additive mask");
}

/// Source: [transformers] models/gemma3/modeling_gemma3.py create_masks_for_vision_model
Value mask_of_images(Machine& m, const Pass& pass, const Format* format) {
  const Shape shape = {pass.sequences, 1, pass.tokens, pass.past + pass.tokens};
  const Value causal = m.allocate(shape, byte_flag, "causal mask"), same = m.allocate(shape, byte_flag, "same image");
  const Value mask = m.allocate(shape, byte_flag, "mask with images");
  return pass.kernel == AttentionKernel::sdpa ? mask : m.allocate(shape, format, "additive mask");
}

/// Where every token may see every other one a mask is needed for windows only, of half their width to both sides.
/// Source: [transformers] masking_utils.py create_bidirectional_sliding_window_mask
Value mask_both_ways(Machine& m, const Pass& pass, double reach, const Format* format) {
  if (pass.kernel == AttentionKernel::flash || pass.tokens < reach) return {};
  const Shape shape = {1, 1, pass.tokens, pass.tokens};
  Value distance = m.allocate(shape, int64, "distances");
  distance = m.allocate(shape, int64, "distances, without sign");
  Value mask = m.allocate(shape, byte_flag, "window mask");
  distance.drop();
  mask = m.allocate(shape, byte_flag, "mask");
  if (pass.kernel == AttentionKernel::sdpa) return mask;
  return m.allocate({pass.sequences, 1, pass.tokens, pass.tokens}, format, "additive mask");
}

}  // namespace gpumem
