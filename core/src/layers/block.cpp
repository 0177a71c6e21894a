#include "layers/block.hpp"

#include "layers/attention.hpp"
#include "layers/falcon.hpp"
#include "layers/layer_inputs.hpp"
#include "layers/mixers.hpp"
#include "layers/mixture_layer.hpp"
#include "layers/mlp.hpp"
#include "layers/moe.hpp"
#include "layers/norms.hpp"
#include "layers/older_attention.hpp"
#include "layers/split_sequence.hpp"
#include "machine/parts.hpp"

namespace gpumem {
namespace {

/// Source: [transformers] models/llama/modeling_llama.py LlamaDecoderLayer.forward,
/// models/gemma2/modeling_gemma2.py Gemma2DecoderLayer.forward (a norm behind each sub-layer)
Value sequential(Machine& m, const DecoderLayer& l, Value x, const Pass& pass) {
  const bool sandwich = l.order == DecoderLayer::Order::sandwich;
  Value residual = x;
  x = normalise(m, "input_layernorm", l.norm, x);
  AttentionResult attended;
  const bool mixed = whole_engine && l.mixer;
  if (!mixed) attended = attention(m, l.attention, x, pass);
  x = mixed ? mix(m, *l.mixer, x, pass) : std::move(attended.output);
  if (sandwich) x = normalise(m, "post_attention_layernorm", l.norm, x);
  if (whole_engine && l.scaled_by_column) x = m.multiply(x, m.parameter("layer_scale1", {x->shape[-1]}));
  x = m.dropout(x, l.dropout);
  x = l.scaled ? m.add(residual, m.scale(x, "scaled sub-layer")) : m.add(residual, x);
  residual = x;
  x = normalise(m, sandwich ? "pre_feedforward_layernorm" : "post_attention_layernorm", l.norm, x);
  if (whole_engine && l.experts) x = mixture_of_experts(m, *l.experts, x);
  else if (whole_engine && pass.tensor_ranks > 1) x = scatter_sequence(m, mlp(m, l.mlp, gather_sequence(m, x, pass.tensor_ranks)), pass.tensor_ranks);
  else if (l.mlp.inlined) x = mlp(m, l.mlp, std::move(x));
  else x = mlp(m, l.mlp, x);
  if (sandwich) x = normalise(m, "post_feedforward_layernorm", l.norm, x);
  if (whole_engine && l.scaled_by_column) x = m.multiply(x, m.parameter("layer_scale2", {x->shape[-1]}));
  x = m.dropout(x, l.dropout);
  x = l.scaled ? m.add(residual, m.scale(x, "scaled sub-layer")) : m.add(residual, x);
  if (whole_engine && l.own_input > 0) {
    residual.drop();
    x = let_in(m, l, std::move(x), pass.layer_input);
  }
  return whole_engine && l.scaled_at_end ? m.scale_in_place(std::move(x)) : x;
}

/// Source: [transformers] models/gpt_neox/modeling_gpt_neox.py GPTNeoXLayer.forward
Value parallel(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass) {
  AttentionResult attended = attention(m, l.attention, normalise(m, "input_layernorm", l.norm, x), pass);
  attended.output = m.dropout(attended.output, l.dropout);
  Value fed = mlp(m, l.mlp, normalise(m, "post_attention_layernorm", l.norm, x));
  fed = m.dropout(fed, l.dropout);
  return m.add(m.add(fed, attended.output), x);
}

/// Source: [transformers] models/gpt2/modeling_gpt2.py GPT2Block.forward
Value kept_attention(Machine& m, const DecoderLayer& l, Value x, const Pass& pass) {
  Value residual = x;
  x = normalise(m, "ln_1", l.norm, x);
  AttentionResult attended = attention(m, l.attention, x, pass);
  attended.output = m.dropout(attended.output, l.dropout);
  x = m.add(attended.output, residual);
  if (l.experts) attended = {};   // attention and its norms are a module that has returned (DBRX)
  residual = x;
  x = normalise(m, "ln_2", l.norm, x);
  const Value fed = m.dropout(l.experts ? mixture_of_experts(m, *l.experts, x) : mlp(m, l.mlp, x), l.dropout);
  x = m.add(residual, fed);
  if (pass.returned && l.attention.form != AttentionLayer::Form::shared) *pass.returned = std::move(attended.probabilities);
  return x;
}

/// Source: [transformers] models/opt/modeling_opt.py OPTDecoderLayer.forward, do_layer_norm_before false
Value norm_last(Machine& m, const DecoderLayer& l, Value x, const Pass& pass) {
  Value residual = x;
  AttentionResult attended = attention(m, l.attention, x, pass);
  x = std::move(attended.output);
  x = m.dropout(x, l.dropout);
  x = m.add(residual, x);
  x = normalise(m, "self_attn_layer_norm", l.norm, x);
  residual = x;
  x = mlp(m, l.mlp, std::move(x));
  x = m.dropout(x, l.dropout);
  x = m.add(residual, x);
  return normalise(m, "final_layer_norm", l.norm, x);
}

/// Source: [transformers] models/olmo2/modeling_olmo2.py Olmo2DecoderLayer.forward
Value norm_behind(Machine& m, const DecoderLayer& l, Value x, const Pass& pass) {
  Value residual = x;
  AttentionResult attended = attention(m, l.attention, x, pass);
  x = std::move(attended.output);
  x = normalise(m, "post_attention_layernorm", l.norm, x);
  x = m.add(residual, x);
  residual = x;
  x = mlp(m, l.mlp, x);
  x = normalise(m, "post_feedforward_layernorm", l.norm, x);
  return m.add(residual, x);
}

/// Source: [transformers] models/cohere/modeling_cohere.py CohereDecoderLayer.forward, models/phi/modeling_phi.py
/// PhiDecoderLayer.forward
Value one_norm(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass) {
  const Value normed = normalise(m, "input_layernorm", l.norm, x);
  AttentionResult attended = attention(m, l.attention, normed, pass);
  attended.output = m.dropout(attended.output, l.dropout);
  const Value fed = m.dropout(mlp(m, l.mlp, normed), l.dropout);
  Value out = m.add(m.add(x, attended.output), fed);
  if (pass.returned && l.attention.form != AttentionLayer::Form::shared) *pass.returned = std::move(attended.probabilities);
  return out;
}

/// Source: [transformers] models/stablelm/modeling_stablelm.py StableLmDecoderLayer.forward
Value kept_all(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass) {
  const Value normed = normalise(m, "input_layernorm", l.norm, x);
  const AttentionResult attended = attention(m, l.attention, normed, pass);
  const Value residual = m.add(x, attended.output);
  Value fed = mlp(m, l.mlp, normalise(m, "post_attention_layernorm", l.norm, residual));
  fed = m.dropout(fed, l.dropout);
  return m.add(residual, fed);
}

/// Source: [transformers] models/bloom/modeling_bloom.py BloomBlock.forward, BloomMLP.forward
Value sums_inside(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass) {
  Value normed = normalise(m, "input_layernorm", l.norm, x);
  AttentionResult attended = bloom_attention(m, l.attention, normed, l.residual_normed ? normed : x, pass);
  normed = normalise(m, "post_attention_layernorm", l.norm, attended.output);
  const Value inner = mlp_inner(m, l.mlp, normed);
  const Value fed = mlp_outer(m, l.mlp, inner, x->shape[-1]);
  Value out = m.dropout(fed, l.dropout);
  out = m.add(l.residual_normed ? normed : attended.output, std::move(out));
  if (pass.returned) *pass.returned = std::move(attended.probabilities);
  return out;
}

/// Source: [transformers] models/mamba2/modeling_mamba2.py Mamba2Block.forward, models/nemotron_h/modeling_nemotron_h.py
/// NemotronHBlock.forward
Value single(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass) {
  Value residual = x;
  Value hidden = normalise(m, "norm", l.norm, m.cast(x, m.weight_format));
  if (l.residual_in_fp32) residual = m.cast(residual, fp32);
  AttentionResult attended;
  if (l.mixer) {
    hidden = mix(m, *l.mixer, hidden, pass);
  } else if (l.attention.heads > 0) {
    attended = attention(m, l.attention, hidden, pass);
    hidden = std::move(attended.output);
  } else {
    hidden = l.experts ? mixture_of_experts(m, *l.experts, hidden) : mlp(m, l.mlp, hidden);
  }
  return m.add(residual, hidden);
}

/// Source: [transformers] models/falcon_h1/modeling_falcon_h1.py FalconH1DecoderLayer.forward
Value beside(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass) {
  Value residual = x;
  Value hidden = normalise(m, "input_layernorm", l.norm, x);
  Value mixed = mix(m, *l.mixer, hidden, pass);
  mixed = m.scale(mixed, "scaled sub-layer");
  AttentionResult attended = attention(m, l.attention, m.scale(hidden, "scaled input"), pass);
  attended.output = m.scale(attended.output, "scaled sub-layer");
  hidden = m.add(mixed, attended.output);
  hidden = m.add(residual, hidden);
  residual = hidden;
  hidden = normalise(m, "pre_ff_layernorm", l.norm, hidden);
  hidden = mlp(m, l.mlp, hidden);
  return m.add(residual, hidden);
}

/// Source: [transformers] models/gemma4/modeling_gemma4.py Gemma4TextDecoderLayer.forward
Value experts_and_mlp(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass) {
  Value residual = x;
  Value hidden = normalise(m, "input_layernorm", l.norm, x);
  AttentionResult attended = attention(m, l.attention, hidden, pass);
  hidden = std::move(attended.output);
  hidden = normalise(m, "post_attention_layernorm", l.norm, hidden);
  hidden = m.add(residual, hidden);
  residual = hidden;
  hidden = normalise(m, "pre_feedforward_layernorm", l.norm, hidden);
  hidden = mlp(m, l.mlp, hidden);
  {
    const Value fed = normalise(m, "post_feedforward_layernorm_1", l.norm, hidden);
    hidden = m.add(fed, experts_of_normed(m, *l.experts, residual));
  }
  hidden = normalise(m, "post_feedforward_layernorm", l.norm, hidden);
  hidden = m.add(residual, hidden);
  residual.drop();
  if (l.own_input > 0) hidden = let_in(m, l, std::move(hidden), pass.layer_input);
  return l.scaled_at_end ? m.scale_in_place(std::move(hidden)) : hidden;
}

/// Source: [transformers] models/minimax/modeling_minimax.py MiniMaxDecoderLayer.forward
Value scaled_sums(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass) {
  AttentionResult attended;
  Value state;
  Value normed = normalise(m, "input_layernorm", l.norm, x);
  Value hidden = l.mixer ? lightning(m, *l.mixer, normed, pass, state) : Value();
  if (!l.mixer) {
    attended = attention(m, l.attention, normed, pass);
    hidden = std::move(attended.output);
  }
  const auto sum = [&] { return m.add(m.scale(normed, "scaled residual"), m.scale(hidden, "scaled sub-layer")); };
  hidden = sum();
  hidden = normalise(m, "post_attention_layernorm", l.norm, hidden);
  normed = hidden;
  hidden = mixture_of_experts(m, *l.experts, hidden);
  return sum();
}

/// Source: [vllm] model_executor/models/arctic.py ArcticDecoderLayer.forward
Value experts_beside(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass) {
  AttentionResult attended = attention(m, l.attention, normalise(m, "input_layernorm", l.norm, x), pass);
  Value sum = m.add(x, std::move(attended.output));
  Value fed = mlp(m, l.mlp, normalise(m, "residual_layernorm", l.norm, sum));
  sum = m.add(sum, std::move(fed));
  fed = mixture_of_experts(m, *l.experts, normalise(m, "post_attention_layernorm", l.norm, x));
  return m.add(sum, std::move(fed));
}

}  // namespace

Value decoder_layer(Machine& m, const DecoderLayer& l, Value x, const Pass& pass) {
  if (!whole_engine) return sequential(m, l, std::move(x), pass);
  if (l.attention.form == AttentionLayer::Form::falcon) return falcon_layer(m, l, x, pass);
  if (l.attention.form == AttentionLayer::Form::mixture) return mixture_layer(m, l, x, pass);
  if (l.attention.form == AttentionLayer::Form::mpt) return mpt_layer(m, l, x, pass);
  switch (l.order) {
    case DecoderLayer::Order::sequential:
    case DecoderLayer::Order::sandwich: return sequential(m, l, std::move(x), pass);
    case DecoderLayer::Order::parallel: return parallel(m, l, x, pass);
    case DecoderLayer::Order::kept_attention: return kept_attention(m, l, std::move(x), pass);
    case DecoderLayer::Order::norm_behind: return norm_behind(m, l, std::move(x), pass);
    case DecoderLayer::Order::one_norm: return one_norm(m, l, x, pass);
    case DecoderLayer::Order::sums_inside: return sums_inside(m, l, x, pass);
    case DecoderLayer::Order::single: return single(m, l, x, pass);
    case DecoderLayer::Order::beside: return beside(m, l, x, pass);
    case DecoderLayer::Order::experts_beside: return experts_beside(m, l, x, pass);
    case DecoderLayer::Order::nothing: return x;
    case DecoderLayer::Order::kept_all: return kept_all(m, l, x, pass);
    case DecoderLayer::Order::experts_and_mlp: return experts_and_mlp(m, l, x, pass);
    case DecoderLayer::Order::streams: return streams_layer(m, l, x, pass);
    case DecoderLayer::Order::scaled_sums: return scaled_sums(m, l, x, pass);
    case DecoderLayer::Order::modules_norm_last:
    case DecoderLayer::Order::inlined_norm_last:
    case DecoderLayer::Order::inlined_norm_first:
    case DecoderLayer::Order::sub_layers:
    case DecoderLayer::Order::norm_last_kept:
    case DecoderLayer::Order::probabilities_kept_last:
    case DecoderLayer::Order::probabilities_kept_first:
    case DecoderLayer::Order::kept_output: return encoder_layer(m, l, std::move(x), pass);
    case DecoderLayer::Order::norm_last: break;
  }
  return norm_last(m, l, std::move(x), pass);
}

}  // namespace gpumem
