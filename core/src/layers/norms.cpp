#include "layers/norms.hpp"

#include <utility>

#include "machine/parts.hpp"

namespace gpumem {
namespace {

Value weight_of(Machine& m, const Value& x) {
  return m.parameter("weight", {x->shape[-1]}, m.norm_format ? m.norm_format : m.weight_format, m.trainable);
}

/// x / sqrt(mean(x²) + ε), where `x` is already fp32.
Value over_root_mean_square(Machine& m, const Value& x) {
  Value scale = m.rsqrt(m.add_number(m.mean_last(m.power(x, "x^2"))));
  return m.multiply(x, std::move(scale));
}

/// Source: [transformers] models/llama/modeling_llama.py LlamaRMSNorm.forward
Value rms(Machine& m, const Value& x) {
  if (m.fused.norm) return m.rms_norm(x, weight_of(m, x));
  const Format* format = x->format;
  Value hidden = m.cast(x, fp32);
  const Value variance = m.mean_last(m.power(hidden, "x^2"));
  Value scale = m.rsqrt(m.add_number(variance));
  hidden = m.multiply(hidden, std::move(scale));
  const Value weight = weight_of(m, x);
  return m.multiply(weight, m.cast(hidden, format));
}

/// Source: [transformers] models/gemma2/modeling_gemma2.py Gemma2RMSNorm.forward
Value rms_plus_one(Machine& m, const Value& x) {
  Value output = over_root_mean_square(m, m.cast(x, fp32));
  Value weight = m.add_number(m.cast(m.parameter("weight", {x->shape[-1]}), fp32), "1 + weight");
  output = m.multiply(output, std::move(weight));
  return m.cast(output, x->format);
}

/// Source: [transformers] models/olmo2/modeling_olmo2.py Olmo2RMSNorm.forward
Value rms_wide(Machine& m, const Value& x) {
  Value hidden = m.cast(x, fp32);
  const Value variance = m.mean_last(m.power(hidden, "x^2"));
  Value scale = m.rsqrt(m.add_number(variance));
  hidden = m.multiply(hidden, std::move(scale));
  return m.cast(m.multiply(m.parameter("weight", {x->shape[-1]}), hidden), x->format);
}

/// Source: [transformers] models/t5/modeling_t5.py T5LayerNorm.forward
Value rms_promoted(Machine& m, const Value& x) {
  const Value variance = m.mean_last(m.power(m.cast(x, fp32), "x^2"));
  Value hidden = m.multiply(x, m.rsqrt(m.add_number(variance)));
  const Value weight = m.parameter("weight", {x->shape[-1]});
  hidden = m.cast(hidden, weight->format);
  return m.multiply(weight, hidden);
}

/// Source: [transformers] models/gemma4/modeling_gemma4.py Gemma4RMSNorm.forward
Value rms_by_power(Machine& m, const Value& x, bool weighted) {
  Value normed;
  {
    const Value hidden = m.cast(x, fp32);
    const Value mean = m.add_number(m.mean_last(m.power(hidden, "x^2")));
    normed = m.multiply(hidden, m.power(mean, "1 / root"));
  }
  if (weighted) normed = m.multiply(normed, m.cast(weight_of(m, x), fp32));
  return m.cast(normed, x->format);
}

Value layer_unbiased(Machine& m, const Value& x) { return m.layer_norm(x, m.parameter("weight", {x->shape[-1]}), {}); }

/// Source: [pytorch] torch/nn/modules/normalization.py LayerNorm
Value layer(Machine& m, const Value& x) {
  const Value weight = m.parameter("weight", {x->shape[-1]});
  return m.layer_norm(x, weight, m.parameter("bias", {x->shape[-1]}));
}

/// Each head is normalised on its own, and the results are glued together.
/// Source: [transformers] models/stablelm/modeling_stablelm.py StableLmLayerNormPerHead.forward
Value layer_by_head(Machine& m, const Value& x) {
  const Value weight = m.parameter("weight", {x->shape[1], x->shape[3]});
  Value normed = m.layer_norm(x, weight, {});
  return m.copy(std::move(normed), "heads glued", Layout::head_major);
}

/// Source: [transformers] models/olmo/modeling_olmo.py OlmoLayerNorm.forward
Value layer_bare(Machine& m, const Value& x) { return m.cast(m.layer_norm(m.cast(x, fp32), {}, {}), x->format); }

/// Source: [transformers] models/nemotron/modeling_nemotron.py NemotronLayerNorm1P.forward
Value layer_plus_one(Machine& m, const Value& x) {
  Value weight = m.add_number(m.parameter("weight", {x->shape[-1]}), "1 + weight");
  Value bias = m.parameter("bias", {x->shape[-1]});
  if (!m.autocast) return m.layer_norm(x, std::move(weight), std::move(bias));
  const Format* format = std::exchange(m.autocast, nullptr);   // lowered by hand, and then computed as it is
  const Value hidden = m.cast(x, format), factor = m.cast(weight, format), added = m.cast(bias, format);
  Value out = m.layer_norm(hidden, factor, added);
  m.autocast = format;
  return out;
}

/// Source: [transformers] models/cohere/modeling_cohere.py CohereLayerNorm.forward
Value layer_composed(Machine& m, const Value& x) {
  Value hidden = m.cast(x, fp32);
  const Value mean = m.mean_last(hidden);
  const Value variance = m.mean_last(m.power(m.subtract(hidden, mean), "(x - mean)^2"));
  Value centred = m.subtract(hidden, mean);
  Value scale = m.rsqrt(m.add_number(variance));
  hidden = m.multiply(std::move(centred), std::move(scale));
  const bool by_head = x->shape.rank == 4;   // queries and keys: a weight for each head
  Value weight = m.parameter("weight", by_head ? Shape{x->shape[1], x->shape[3]} : Shape{x->shape[-1]});
  hidden = m.multiply(m.cast(std::move(weight), fp32), hidden);
  return m.cast(hidden, x->format);
}

/// Source: [transformers] models/deberta/modeling_deberta.py DebertaLayerNorm.forward
Value layer_divided(Machine& m, const Value& x) {
  Value hidden = m.cast(x, fp32);
  const Value mean = m.mean_last(hidden);
  const Value variance = m.mean_last(m.power(m.subtract(hidden, mean), "(x - mean)^2"));
  Value centred = m.subtract(hidden, mean);
  hidden = m.divide(std::move(centred), m.rsqrt(m.add_number(variance)));
  hidden = m.cast(hidden, x->format);
  const Value weight = m.parameter("weight", {x->shape[-1]});
  const Value bias = m.parameter("bias", {x->shape[-1]});
  return m.add(m.multiply(weight, hidden), bias);
}

}  // namespace

Value normalise(Machine& m, const char* name, NormKind kind, Value x) {
  const Machine::Scope scope(m, name);
  if (!whole_engine) return kind == NormKind::rms ? rms(m, x) : rms_plus_one(m, x);
  switch (kind) {
    case NormKind::rms: return rms(m, x);
    case NormKind::rms_plus_one: return rms_plus_one(m, x);
    case NormKind::rms_wide: return rms_wide(m, x);
    case NormKind::layer_by_head: return layer_by_head(m, x);
    case NormKind::layer_bare: return layer_bare(m, x);
    case NormKind::layer_plus_one: return layer_plus_one(m, x);
    case NormKind::layer_composed: return layer_composed(m, x);
    case NormKind::rms_promoted: return rms_promoted(m, x);
    case NormKind::layer_divided: return layer_divided(m, x);
    case NormKind::layer_unbiased: return layer_unbiased(m, x);
    case NormKind::rms_by_power: return rms_by_power(m, x, true);
    case NormKind::rms_by_power_bare: return rms_by_power(m, x, false);
    case NormKind::layer: break;
  }
  return layer(m, x);
}

}  // namespace gpumem
