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

}  // namespace gpumem
