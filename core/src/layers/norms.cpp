#include "layers/norms.hpp"

namespace gpumem {
namespace {

/// x / sqrt(mean(x²) + ε), where `x` is already fp32.
Value over_root_mean_square(Machine& m, const Value& x) {
  Value scale = m.rsqrt(m.add_number(m.mean_last(m.power(x, "x^2"))));
  return m.multiply(x, std::move(scale));
}

/// Source: [transformers] models/llama/modeling_llama.py LlamaRMSNorm.forward
Value rms(Machine& m, const Value& x) {
  const Format* format = x->format;
  Value hidden = m.cast(x, fp32);
  const Value variance = m.mean_last(m.power(hidden, "x^2"));
  Value scale = m.rsqrt(m.add_number(variance));
  hidden = m.multiply(hidden, std::move(scale));
  const Value weight = m.parameter("weight", {x->shape[-1]});
  return m.multiply(weight, m.cast(hidden, format));
}

/// Source: [transformers] models/gpt_oss/modeling_gpt_oss.py GptOssRMSNorm.forward
Value rms_wide(Machine& m, const Value& x) {
  Value hidden = m.cast(x, fp32);
  const Value variance = m.mean_last(m.power(hidden, "x^2"));
  Value scale = m.rsqrt(m.add_number(variance));
  hidden = m.multiply(hidden, std::move(scale));
  return m.cast(m.multiply(m.parameter("weight", {x->shape[-1]}), hidden), x->format);
}

/// Source: [transformers] models/gemma2/modeling_gemma2.py Gemma2RMSNorm.forward
Value rms_plus_one(Machine& m, const Value& x) {
  Value output = over_root_mean_square(m, m.cast(x, fp32));
  Value weight = m.add_number(m.cast(m.parameter("weight", {x->shape[-1]}), fp32), "1 + weight");
  output = m.multiply(output, std::move(weight));
  return m.cast(output, x->format);
}

/// Source: [pytorch] torch/nn/modules/normalization.py LayerNorm
Value layer(Machine& m, const Value& x) {
  const Value weight = m.parameter("weight", {x->shape[-1]});
  const Value bias = m.parameter("bias", {x->shape[-1]});
  return m.layer_norm(x, weight, bias);
}

}  // namespace

Value normalise(Machine& m, const char* name, NormKind kind, Value x) {
  const Machine::Scope scope(m, name);
  switch (kind) {
    case NormKind::rms: return rms(m, x);
    case NormKind::rms_wide: return rms_wide(m, x);
    case NormKind::rms_plus_one: return rms_plus_one(m, x);
    case NormKind::layer: break;
  }
  return layer(m, x);
}

}  // namespace gpumem
