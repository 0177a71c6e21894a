#include "engines/ggml/graph_builder.hpp"

namespace gpumem::ggml {
namespace {

/// Source: [ggml] src/ggml-cuda/topk-moe.cu: for which numbers of experts there is a fused kernel that chooses
bool chosen_at_once(double experts) {
  for (double n = 1; n <= 512; n *= 2)
    if (n == experts) return true;
  return experts == 288 || experts == 576;
}

/// Source: [ggml] src/ggml-cuda/ggml-cuda.cu: MOE_WEIGHTED_REDUCTION_MAX_EXPERTS
constexpr double most_summed_at_once = 15;

}  // namespace

int Builder::embedding() {
  const int table = g.weight(2, {m.hidden, m.vocabulary, 1, 1}, c.processor);
  int x = g.rows(table, g.input(4, {c.tokens, 1, 1, 1}));
  if (m.embedding_scaled || m.embedding_multiplied) x = g.in_place(x);
  if (m.learned_positions > 0) x = g.sum(x, g.rows(g.weight(2, {m.hidden, m.learned_positions, 1, 1}, c.processor), positions()));
  g.expand(x);
  return x;
}

int Builder::norm(int x, NormKind kind) {
  const bool centred = kind == NormKind::layer || kind == NormKind::layer_by_head || kind == NormKind::layer_bare ||
                       kind == NormKind::layer_plus_one || kind == NormKind::layer_unbiased || kind == NormKind::layer_composed;
  const int made = g.like(centred ? Op::fresh : Op::in_place, x);
  if (kind == NormKind::layer_bare) return made;
  const bool bias = kind == NormKind::layer || kind == NormKind::layer_plus_one;
  return biased(scaled(made), bias);
}

int Builder::chosen_rows(int x) {
  if (out_ids_ == nothing) out_ids_ = g.input(4, {c.outputs, 1, 1, 1});
  return g.rows(x, out_ids_);
}

int Builder::gated(int x, double width, bool bias) {
  const int up = project(x, width, bias), gate = project(x, width, bias);
  return project(g.like(Op::fresh, gate, {up}), g.extent(x)[0], bias);
}

int Builder::mlp(int x, const MlpLayer& l) {
  if (l.kind == MlpLayer::Kind::gated) return gated(x, l.width, l.bias);
  if (l.kind == MlpLayer::Kind::plain) return project(project(x, l.width, l.bias), g.extent(x)[0], l.bias);
  const int both = project(x, 2 * l.width);
  return project(g.make(Op::fresh, {l.width, g.extent(x)[1], 1, 1}, {both}), g.extent(x)[0]);
}

/// Groups of experts by their two best, then the others' scores are hidden.
int Builder::grouped(int scores, const ExpertsLayer& e) {
  const double each = e.experts / e.groups, rows = g.extent(scores)[1];
  const int by_group = g.reshape(scores, {each, e.groups, rows, 1});
  const int order = g.like(Op::fresh, by_group);
  const Extents s = g.at(order).stride;
  const int best = g.view(order, {2, e.groups, rows, 1}, s[1], s[2], s[3], 0);
  int sums = g.make(Op::rows, {1, 2, e.groups, rows}, {g.reshape(by_group, {1, each, e.groups, rows}), best});
  sums = g.make(Op::fresh, {1, e.groups, rows, 1}, {g.reshape(sums, {2, e.groups, rows, 1})});
  const int group_order = g.make(Op::fresh, {e.groups, rows, 1, 1}, {g.reshape(sums, {e.groups, rows, 1, 1})});
  const double used = e.groups / 2;
  const int groups = g.view(group_order, {used, rows, 1, 1}, 4 * e.groups, 4 * e.groups * rows, 4 * e.groups * rows, 0);
  const int seen = g.make(Op::rows, {each, used, rows, 1}, {by_group, groups});
  const int hidden = g.set_rows(g.in_place(by_group), seen, groups);
  return g.reshape(hidden, {e.experts, rows, 1, 1});
}

Builder::Choice Builder::choose(int x, const ExpertsLayer& e) {
  const double rows = g.extent(x)[1];
  const int logits = project(x, e.experts, e.router_bias);
  const bool late = e.scores == ExpertsLayer::Scores::softmax_of_top;
  const int probabilities = late ? logits : g.in_place(logits);
  int scores = probabilities;
  if (e.choice_bias) scores = biased(scores, true);
  if (e.groups > 1) scores = grouped(scores, e);
  const int order = g.like(Op::fresh, scores);
  const int chosen = g.view(order, {e.top, rows, 1, 1}, 4 * e.experts, 4 * e.experts * rows, 4 * e.experts * rows, 0);
  int weights = g.rows(g.reshape(probabilities, {1, e.experts, rows, 1}), chosen);
  const auto flat = [&](int t) { return g.reshape(t, {e.top, rows, 1, 1}); };
  if (late) weights = g.reshape(g.in_place(flat(weights)), {1, e.top, rows, 1});
  if (e.normalised != ExpertsLayer::Normalised::no && !late) {
    const int each = flat(weights);
    const int total = g.in_place(g.make(Op::fresh, {1, rows, 1, 1}, {each}));
    weights = g.reshape(g.sum(each, total), {1, e.top, rows, 1});
  }
  if (e.scaled) weights = g.in_place(weights);
  g.expand(logits);
  const std::size_t first = g.nodes.size();
  g.expand(weights);
  if (!late && e.groups <= 1 && chosen_at_once(e.experts)) {
    std::vector<int> read;
    for (std::size_t n = first; n < g.nodes.size(); ++n) {
      read.push_back(g.nodes[n]);
      for (int i = 0; i < g.at(g.nodes[n]).sources; ++i) read.push_back(g.at(g.nodes[n]).source[static_cast<std::size_t>(i)]);
    }
    g.keep(read);
  }
  return {chosen, weights};
}

int Builder::experts(int x, const ExpertsLayer& e) {
  const Extents shape = g.extent(x);
  const double h = shape[0], rows = shape[1];
  const Choice choice = choose(x, e);
  const int each = g.reshape(x, {h, 1, rows, 1});
  const int lie = layer < c.expert_layers_on_processor ? c.processor : home;
  const auto product = [&](int t, double width) {
    const int made = g.chosen_product(g.weight(c.expert_unit, {g.extent(t)[0], width, e.experts, 1}, lie), t, choice.experts);
    return e.bias ? g.like(Op::in_place, made, {g.weight(4, {width, e.experts, 1, 1}, lie), choice.experts}) : made;
  };
  const int up = product(each, e.width), gate = product(each, e.width);
  const int made = product(g.like(Op::fresh, gate, {up}), h);
  const int weighted = g.like(Op::in_place, made, {choice.weights});
  g.expand(weighted);
  std::vector<int> parts;
  for (double i = 0; i < e.top; ++i) {
    parts.push_back(g.view(weighted, {h, rows, 1, 1}, 4 * h * e.top, 4 * h * e.top * rows, 4 * h * e.top * rows, 4 * h * i));
    g.expand(parts.back());
  }
  int out = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) g.expand(out = g.sum(out, parts[i]));
  if (parts.size() == 1) out = g.contiguous(out);
  else if (e.top <= most_summed_at_once) g.kept.push_back({g.nodes.size() - 1, {made, choice.weights}});
  if (e.shared_width > 0) out = g.sum(out, gated(x, e.shared_width));
  return out;
}

}  // namespace gpumem::ggml
