// Experts that lie on several ranks: a router, rows sent to the experts' ranks and back, products of all experts at once.

#include "layers/megatron/block.hpp"
#include "layers/megatron/linears.hpp"
#include "layers/megatron/recompute.hpp"

namespace gpumem::megatron {

Value activation(Machine& m, const Pass& pass, Value x, double width, const Value& weights);

namespace {

/// The router's products are computed in its own format, whose copies of input and weight are short-lived.
void router_backward(Machine& m, Node& n, Gradients& g) {
  if (g.given[0]->format != n.input[0].format) {
    const Value wide = m.allocate(n.input[0].shape, g.given[0]->format, "router's input, widened", Component::workspace);
    g.made[0] = m.gradient_like(n, 0, "router gradient");
    return;
  }
  g.made[0] = m.gradient_like(n, 0, "router gradient");
}

void like_input(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient"); }

/// Scores, and what is kept of choosing the largest: scores in fp32, chosen numbers, the map of who goes where, and the
/// scores of the balancing loss.
/// Source: [megatron-lm] megatron/core/transformer/moe/router.py TopKRouter, moe_utils.py topk_routing_with_score_function
Value routed(Machine& m, const Pass& pass, const ExpertsLayer& e, const Value& x) {
  const Machine::Scope scope(m, "router");
  const double rows = x->shape[0];
  const Value weight = m.parameter("weight", {e.experts, x->shape[-1]});
  if (e.choice_bias && e.bias_is_parameter) m.parameter("expert_bias", {e.experts}, fp32, false).drop();
  Node* node = m.record(router_backward, {&x, &weight});
  m.save(node, x);
  Value logits = m.allocate({rows, e.experts}, pass.share.dispatch.router, "router logits");
  m.bind(node, logits);
  const Value from = std::move(logits);
  Node* choice = m.record(like_input, {&from});
  m.save(choice, m.allocate({rows, e.experts}, fp32, "scores"));
  m.save(choice, m.allocate({rows, e.top}, int64, "chosen experts"));
  m.save(choice, m.allocate({rows, e.experts}, byte_flag, "routing map"));
  if (pass.share.dispatch.balance_loss) m.save(choice, m.allocate({rows, e.experts}, fp32, "scores of the balancing loss"));
  Value weights = m.allocate({rows, e.experts}, from->format, "routing weights");
  return m.bind(choice, weights);
}

/// Rows in the order of experts, and back: one kernel that keeps who went where.
/// Source: [transformer-engine] pytorch/triton/permutation.py make_row_id_map, permute_with_mask_map
Value ordered(Machine& m, Value x, const Shape& shape, const Value& map, const char* label) {
  const Value from = std::move(x);
  Node* node = m.record(like_input, {&from});
  m.save(node, map);
  Value out = m.allocate(shape, from->format, label);
  return m.bind(node, out);
}

Value shared_expert(Machine& m, const Pass& pass, const ExpertsLayer& e, const Value& x) {
  MlpLayer mlp;
  mlp.width = e.shared_width;
  if (e.ungated) mlp.kind = MlpLayer::Kind::plain;
  Stretch stretch(m, pass.share.recompute.shared_experts);
  Value in = x;
  const bool gathers = !pass.share.dispatch.shared_overlapped || !pass.share.sequence_parallel();
  if (!gathers) in = moved_to(m, std::move(in), {pass.share.rows, x->shape[-1]}, "shared expert's input, gathered");
  Value out = feed_forward(m, pass, mlp, {}, std::move(in), "shared_experts", gathers);
  if (e.shared_gated) {
    const Value weight = m.parameter("gate_weight", {1, x->shape[-1]});
    out = moved(m, std::move(out), "shared expert, weighted");
  }
  stretch.end();
  return stretch.let_go(std::move(out));
}

}  // namespace

/// Source: [megatron-lm] megatron/core/transformer/moe/moe_layer.py MoELayer.forward, token_dispatcher.py
/// MoEAlltoAllTokenDispatcher, experts.py TEGroupedMLP
Value experts(Machine& m, const Pass& pass, const ExpertsLayer& e, Value x) {
  const Machine::Scope scope(m, "mlp");
  const Dispatch& d = pass.share.dispatch;
  Stretch all(m, pass.share.recompute.moe);
  const Shape tokens = x->shape, sent = {d.sent, x->shape[-1]}, received = {d.received, x->shape[-1]};
  Value weights = routed(m, pass, e, x);
  const Value map = m.allocate({tokens[0], 2 * e.experts + 1}, int32, "row numbers");
  Value rows = ordered(m, x, sent, map, "rows by expert");
  Value row_weights = moved_to(m, std::move(weights), {d.sent}, "weights by row");
  // What was sent and what came lie in variables of the layer until it returns.
  Value sent_rows = rows, received_rows;
  if (d.exchanged) {
    rows = moved_to(m, std::move(rows), received, "rows received");
    received_rows = rows;
    row_weights = moved_to(m, std::move(row_weights), {d.received}, "weights received");
  }
  Value shared = e.shared_width > 0 ? shared_expert(m, pass, e, x) : Value();
  x.drop();
  const bool reordered = d.exchanged && d.local_experts > 1;
  if (reordered) {
    rows = moved(m, std::move(rows), "rows by local expert");
    row_weights = moved(m, std::move(row_weights), "weights by local expert");
  }
  Value inner = grouped_linear(m, pass, std::move(rows), "experts.linear_fc1", (e.ungated ? 1 : 2) * e.width);
  Stretch activated(m, pass.share.recompute.expert_activation);
  inner = activation(m, pass, std::move(inner), e.width, row_weights);
  row_weights.drop();
  activated.end();
  Value out = grouped_linear(m, pass, std::move(inner), "experts.linear_fc2", tokens[-1]);
  out = activated.let_go(std::move(out));
  if (reordered) out = moved(m, std::move(out), "rows by rank");
  const Value by_rank = out;
  if (d.exchanged) out = moved_to(m, std::move(out), sent, "rows sent back");
  out = ordered(m, std::move(out), tokens, map, "rows by token");
  if (shared) out = m.add(std::move(out), std::move(shared));
  all.end();
  return all.let_go(std::move(out));
}

}  // namespace gpumem::megatron
