// Mixtures of experts as transformers runs them on CUDA: tokens sorted by expert, one grouped product for all experts.

#include "layers/moe.hpp"

#include "layers/dense.hpp"
#include "layers/mlp.hpp"
#include "layers/norms.hpp"
#include "layers/separate_experts.hpp"
#include "layers/stacked_adapters.hpp"

namespace gpumem {
namespace {

/// A parameter of all experts, of which a token uses those it was sent to.
Value of_experts(Machine& m, const ExpertsLayer& l, const char* name, const Shape& shape) {
  const Value weight = m.parameter(name, shape);
  m.parameters[weight->parameter].used = l.top / l.experts;
  return weight;
}

struct Routing {
  Value logits;             ///< held by the caller until the experts are done
  Value weights, experts;   ///< [tokens, top]
};

Value router_logits(Machine& m, const ExpertsLayer& l, const Value& x) {
  if (m.separate_experts && m.adaptation && m.adaptation->packs_router && !l.router_in_fp32 && !l.always_stacked)
    return dense(m, "gate", x, l.experts, l.router_bias);
  const Machine::Scope scope(m, "gate");
  if (!l.router_in_fp32) {
    const Value weight = adapted_router(m, m.parameter("weight", {l.experts, x->shape[-1]}));
    Value logits = m.linear(x, weight, l.router_bias ? m.parameter("bias", {l.experts}) : Value(), "gate");
    return l.logits_in_fp32 && l.scores == ExpertsLayer::Scores::softmax_of_top ? m.cast(std::move(logits), fp32) : logits;
  }
  const Value weight = adapted_router(m, m.parameter("weight", {l.experts, x->shape[-1]}, l.router_kept_in_fp32 ? fp32 : m.weight_format, m.trainable));
  Value wide = m.cast(x, fp32);
  return m.linear(std::move(wide), m.cast(weight, fp32), {}, "gate");
}

/// Experts outside the best groups are left out.
/// Source: [transformers] models/deepseek_v3/modeling_deepseek_v3.py DeepseekV3TopkRouter.forward,
/// models/deepseek_v2/modeling_deepseek_v2.py DeepseekV2TopkRouter.forward
Value best_groups(Machine& m, const ExpertsLayer& l, const Value& scores) {
  const double rows = scores->shape[0];
  const Value best = m.allocate({rows, l.groups}, fp32, "group scores");
  const Value chosen = m.allocate({rows, l.groups}, int64, "chosen groups");
  const Value marks = m.allocate({rows, l.groups}, fp32, "group marks");
  const Value mask = m.allocate(scores->shape, fp32, "experts of chosen groups");
  const Value outside = m.allocate(scores->shape, byte_flag, "experts left out");
  return m.mask_out(scores, outside);
}

/// Source: [transformers] models/mixtral/modeling_mixtral.py MixtralTopKRouter.forward,
/// models/deepseek_v3/modeling_deepseek_v3.py DeepseekV3TopkRouter.forward,
/// models/gpt_oss/modeling_gpt_oss.py GptOssTopKRouter.forward,
/// models/granitemoe/modeling_granitemoe.py GraniteMoeTopKRouter.forward
Routing route(Machine& m, const ExpertsLayer& l, const Value& x) {
  Routing r;
  r.logits = router_logits(m, l, x);
  const Format* given = l.router_in_fp32 ? x->format : r.logits->format;
  if (l.scores == ExpertsLayer::Scores::softmax_of_top) {
    Machine::Top top = m.top(r.logits, l.top);
    r.experts = std::move(top.indices);
    r.weights = m.cast(m.softmax(std::move(top.values)), x->format);
    return r;
  }
  const bool sigmoid = l.scores == ExpertsLayer::Scores::sigmoid;
  Value scores = (sigmoid && l.router_in_fp32) || l.looped ? r.logits : m.cast(r.logits, fp32);
  scores = sigmoid ? m.sigmoid(std::move(scores)) : m.softmax(std::move(scores));
  if (l.normed_apart) r.logits = scores;   // its router gives back what became of them
  if (l.choice_bias) {
    if (l.bias_is_parameter) m.parameter("e_score_correction_bias", {1, l.experts}, fp32, false);
    Value choice = m.allocate(scores->shape, fp32, "scores for the choice");
    if (l.grouped_choice) choice = best_groups(m, l, choice);
    r.experts = m.top(choice, l.top).indices;
    r.weights = m.gather(scores, r.experts);
  } else {
    if (l.grouped_choice) scores = best_groups(m, l, scores);
    Machine::Top top = m.top(scores, l.top);
    r.experts = std::move(top.indices);
    r.weights = std::move(top.values);
  }
  if (l.normalised != ExpertsLayer::Normalised::no) {
    const Value total = m.sum_last(l.looped ? m.widen(r.weights) : r.weights);
    r.weights = l.normalised == ExpertsLayer::Normalised::in_place ? m.divide_in_place(r.weights, total) : m.divide(r.weights, total);
  }
  if (l.scaled) r.weights = m.scale(r.weights, "scaled weights");
  if (l.normed_apart) r.weights = m.multiply(r.weights, m.gather(m.parameter("per_expert_scale", {l.experts}), r.experts));
  if (!l.weights_in_fp32) r.weights = m.cast(r.weights, given);
  return r;
}

/// Source: [transformers] models/gemma4/modeling_gemma4.py Gemma4TextRouter.forward
Routing route_normed(Machine& m, const ExpertsLayer& l, const Value& x) {
  Value hidden = normalise(m, "norm", NormKind::rms_by_power_bare, x);
  hidden = m.scale(m.multiply(hidden, m.parameter("scale", {x->shape[-1]})), "scaled input");
  return route(m, l, hidden);
}

/// act(gate) · up of the two halves of one product.
/// Source: [transformers] integrations/moe.py _default_apply_gate
Value gated(Machine& m, const ExpertsLayer& l, const Value& joint) {
  const auto halves = m.split(joint, {l.width, l.width});
  return m.multiply(activate(m, l.activation, halves[0]), halves[1]);
}

/// Source: [transformers] models/gpt_oss/modeling_gpt_oss.py GptOssExperts._apply_gate
Value gated_and_clamped(Machine& m, const ExpertsLayer& l, const Value& joint) {
  Value gate = m.slice(joint, l.width), up = m.slice(joint, l.width);
  gate = m.clamp(gate);
  up = m.clamp(up);
  const Value glu = m.multiply(gate, m.sigmoid(m.scale(gate, "gate, scaled")));
  return m.multiply(m.add_number(up, "1 + up"), glu);
}

/// Source: [transformers] integrations/moe.py grouped_mm_experts_forward
Value experts(Machine& m, const ExpertsLayer& l, const Value& x, const Routing& r) {
  if (l.looped) return looped_experts(m, l, x, r.weights);
  if (m.separate_experts && !l.always_stacked) return separate_experts(m, l, x, r.weights);
  const Machine::Scope scope(m, "experts");
  const double h = x->shape[-1], rows = x->shape[0] * l.top;
  // The wrapper of the last parameter is the outermost, and both hold their factors until the experts are done.
  const StackFactors of_down = stack_factors(m, "down_proj", {l.experts, h, l.width}, false);
  const StackFactors of_joint = stack_factors(m, "gate_up_proj", {l.experts, (l.ungated ? 1 : 2) * l.width, h}, true);
  Value joint_weight, down_weight;
  const Value sample_weights = m.view(r.weights, {rows, 1});
  const Value sorted = m.allocate({rows}, int64, "expert of each row");
  const Value order = m.allocate({rows}, int64, "order by expert");
  const Value selected = m.take_rows(x, m.allocate({rows}, int64, "token of each row"));
  const Value weights = m.take_rows(sample_weights, order);
  const Value counted = m.allocate({rows}, int32, "expert of each row");
  const Value counts = m.allocate({l.experts}, int32, "rows per expert");
  const Value offsets = m.allocate({l.experts}, int32, "offsets");
  const auto shape = [&](double in, double out) {
    return l.transposed ? Shape{l.experts, in, out} : Shape{l.experts, out, in};
  };
  const auto project = [&](Value from, const char* name, const char* bias_name, double out, Value& bias) {
    const bool last = out == h && from->shape[-1] == l.width && joint_weight;
    Value& weight = last ? down_weight : joint_weight;
    weight = with_factors(m, of_experts(m, l, name, shape(from->shape[-1], out)), last ? of_down : of_joint);
    bias = l.bias ? m.take_rows(of_experts(m, l, bias_name, {l.experts, out}), sorted) : Value();
    Value made = m.grouped_linear(std::move(from), weight, offsets, name, l.transposed);
    return l.bias ? m.add_in_place(made, bias) : made;
  };
  Value bias;
  Value out = l.ungated ? project(selected, "up_proj", "up_proj_bias", l.width, bias)
                        : project(selected, "gate_up_proj", "gate_up_proj_bias", 2 * l.width, bias);
  out = l.ungated ? activate(m, l.activation, out) : l.clamped ? gated_and_clamped(m, l, out) : gated(m, l, out);
  out = project(out, "down_proj", "down_proj_bias", h, bias);
  Value weighted = m.multiply(out, weights);
  const Value back = m.allocate({rows}, int64, "order by token");
  m.allocate({rows}, int64, "0, 1, 2 …").drop();
  weighted = m.take_rows(weighted, back);
  return m.cast(m.sum_rows(weighted, l.top), x->format);
}

}  // namespace

/// Source: [transformers] models/qwen2_moe/modeling_qwen2_moe.py Qwen2MoeSparseMoeBlock.forward,
/// models/deepseek_v3/modeling_deepseek_v3.py DeepseekV3MoE.forward
static Value sub_layer(Machine& m, const ExpertsLayer& l, const Value& x) {
  const Machine::Scope scope(m, "mlp");
  const Value rows = m.view(x, {x->shape[0] * x->shape[1], x->shape[2]});
  MlpLayer shared_layer;
  shared_layer.width = l.shared_width;
  shared_layer.activation = l.activation;
  if (l.ungated) shared_layer.kind = MlpLayer::Kind::plain;
  if (l.shared_fused) shared_layer.kind = MlpLayer::Kind::gated_fused;
  const auto shared_expert = [&] { return mlp(m, shared_layer, rows); };
  const Format* sum_format = l.summed_in_fp32 ? fp32 : x->format;
  Value shared;
  if (l.shared_width > 0 && l.shared_first) shared = shared_expert();
  Value out;
  {
    const Format* outer = m.autocast;
    if (l.router_kept_in_fp32) m.autocast = nullptr;   // transformers leaves autocast for this router
    const Routing routing = route(m, l, rows);
    m.autocast = outer;
    if (l.latent_width > 0) {   // Source: [transformers] models/nemotron_h/modeling_nemotron_h.py NemotronHMoE.forward
      out = experts(m, l, dense(m, "fc1_latent_proj", rows, l.latent_width, false), routing);
      out = dense(m, "fc2_latent_proj", out, rows->shape[-1], false);
    } else {
      out = experts(m, l, rows, routing);
    }
    if (l.shared_gated) shared = m.multiply(m.sigmoid(dense(m, "shared_expert_gate", rows, 1, false)), shared);
    if (l.shared_width > 0) {
      Value wide = m.cast(out, sum_format);
      out = m.cast(m.add(std::move(wide), m.cast(shared ? shared : shared_expert(), sum_format)), x->format);
    }
  }
  return m.view(out, x->shape);
}

Value experts_of_normed(Machine& m, const ExpertsLayer& l, const Value& x) {
  const Value rows = m.view(x, {x->shape[0] * x->shape[1], x->shape[2]});
  const Routing routing = route_normed(m, l, rows);
  Value out = experts(m, l, normalise(m, "pre_feedforward_layernorm_2", NormKind::rms_by_power, rows), routing);
  return normalise(m, "post_feedforward_layernorm_2", NormKind::rms_by_power, m.view(out, x->shape));
}

Value mixture_of_experts(Machine& m, const ExpertsLayer& l, const Value& x) {
  if (!m.recomputed.mlp) return sub_layer(m, l, x);
  return m.checkpoint(x, [l](Machine& on, Value input) { return sub_layer(on, l, input); });
}

}  // namespace gpumem
