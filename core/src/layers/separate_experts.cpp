// Experts as modules of their own, run one after the other on the tokens that chose them.

#include "layers/separate_experts.hpp"

#include <cmath>

#include "layers/mlp.hpp"

namespace gpumem {

/// How tokens are shared out among the experts is not known before a run: evenly, as a trained router tends to. What all
/// of them keep does not depend on it; what one of them makes for a moment does.
/// Source: [transformers] 4.48 models/mixtral/modeling_mixtral.py MixtralSparseMoeBlock.forward,
/// models/deepseek_v3/modeling_deepseek_v3.py DeepseekV3MoE.moe (which sums in the format of the routing's weights)
Value separate_experts(Machine& m, const ExpertsLayer& l, const Value& x, const Value& routing_weights) {
  const Machine::Scope scope(m, "experts");
  const std::size_t known = m.parameters.rows.size();
  const Format* summed = l.choice_bias ? routing_weights->format : x->format;
  const double rows = x->shape[0], chosen = rows * l.top;
  const Value weights = m.view(m.cast(routing_weights, summed), {chosen, 1});
  Value sum = m.allocate(x->shape, summed, "sum of experts");
  const Value mask = m.allocate({rows, l.top, l.experts}, int64, "chosen experts, one-hot");
  MlpLayer expert;
  expert.width = l.width;
  expert.activation = l.activation;
  if (l.ungated) expert.kind = MlpLayer::Kind::plain;
  Value choice, token, state, out;
  double given = 0;
  for (double i = 1; i <= l.experts; ++i) {
    const double upto = std::floor(chosen * i / l.experts);
    choice = m.allocate({upto - given}, int64, "which choice of its token");
    token = m.allocate({upto - given}, int64, "tokens of the expert");
    given = upto;
    state = m.take_rows(x, token);
    out = mlp(m, expert, state);
    out = m.multiply(out, m.take_rows(weights, choice));
    sum = m.add_rows(std::move(sum), m.cast(out, summed), token);
  }
  for (std::size_t i = known; i < m.parameters.rows.size(); ++i) m.parameters.rows[i].used = l.top / l.experts;
  return m.cast(std::move(sum), x->format);
}

/// The weights of all experts stand on top of each other in three matrices; each expert's gradient lies among zeros.
/// Tokens are shared out as above.
/// Source: [transformers] models/dbrx/modeling_dbrx.py DbrxExperts.forward, DbrxExpertGLU.forward
Value looped_experts(Machine& m, const ExpertsLayer& l, const Value& x, const Value& routing_weights) {
  const Machine::Scope scope(m, "experts");
  const double rows = x->shape[0], h = x->shape[-1], chosen = rows * l.top;
  const auto of_all = [&](const char* name) {
    const Value weight = m.parameter(name, {l.experts, l.width, h});   // a view of theirs: no linear, which others would pack
    m.parameters[weight->parameter].used = l.top / l.experts;
    return weight;
  };
  const Value w1 = of_all("mlp.w1"), v1 = of_all("mlp.v1"), w2 = of_all("mlp.w2");
  Value sum = m.allocate(x->shape, x->format, "sum of experts");
  const Value mask = m.allocate({rows, l.top, l.experts + 1}, int64, "chosen experts, one-hot");
  const Value weights = m.view(routing_weights, {chosen, 1});
  Value choice, token, out;
  double given = 0;
  for (double i = 1; i <= l.experts; ++i) {
    const double upto = std::floor(chosen * i / l.experts), taken = upto - given;
    given = upto;
    choice = m.allocate({taken}, int64, "which choice of its token");
    token = m.allocate({taken}, int64, "tokens of the expert");
    const Shape part = {l.width, h};
    const Value up_weight = m.pick(v1, part), gate_weight = m.pick(w1, part), down_weight = m.pick(w2, part);
    const auto inner = [&](const Value& state) {
      Value gate = m.contract(state, gate_weight, {taken, l.width}, "gate");
      const Value up = m.contract(state, up_weight, {taken, l.width}, "up");
      gate = activate(m, l.activation, gate);
      const Value product = m.multiply(gate, up);
      return m.contract(product, down_weight, {taken, h}, "down");
    };
    Value made = inner(m.take_rows(x, token));
    out = m.multiply(std::move(made), m.take_rows(weights, choice));
    sum = m.add_rows(std::move(sum), out, token);
  }
  return sum;
}

}  // namespace gpumem
