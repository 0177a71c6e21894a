#include "engines/ggml/decoder_graph.hpp"

#include <algorithm>

#include "engines/ggml/graph_builder.hpp"

namespace gpumem::ggml {
namespace {

using Order = DecoderLayer::Order;

bool behind(Order o) { return o == Order::norm_behind; }

/// Which operand of the last sum comes first decides where its result lies.
/// Source: [llama-cpp-graph] src/models/phi3.cpp: ggml_add(residual, cur)
bool adds_to_residual(const DecoderLayer& l) { return l.attention.projection == AttentionLayer::Projection::sliced; }

/// A layer without attention.
/// Source: [llama-cpp-graph] src/models/deci.cpp
int feeding_layer(Builder& b, int x, const DecoderLayer& l, bool last) {
  if (last) x = b.chosen_rows(x);
  return l.mlp.width > 0 && l.attention.heads == 0 && l.order == Order::single ? b.g.sum(b.mlp(b.norm(x, l.norm), l.mlp), x) : x;
}

/// Source: [llama-cpp-graph] src/models/arctic.cpp
int with_experts_beside(Builder& b, int out, int x, const DecoderLayer& l) {
  const int middle = b.g.sum(out, x);
  const int fed = b.g.sum(b.mlp(b.norm(middle, l.norm), l.mlp), middle);
  return b.g.sum(b.experts(b.norm(x, l.norm), *l.experts), fed);
}

/// One layer; only the rows whose logits are asked for leave the last one.
int layer(Builder& b, int x, const DecoderLayer& l, bool last) {
  const bool side_by_side = l.order == Order::one_norm || l.order == Order::parallel;
  if (l.attention.heads == 0) return feeding_layer(b, x, l, last);
  const auto feed = [&](int t) { return l.experts ? b.experts(t, *l.experts) : b.mlp(t, l.mlp); };
  int normed = behind(l.order) ? x : b.norm(x, l.norm);
  int out = b.attention(normed, l.attention);
  if (last) {
    out = b.chosen_rows(out);
    x = b.chosen_rows(x);
    if (l.order == Order::one_norm) normed = b.chosen_rows(normed);
  }
  if (l.order == Order::experts_beside) return with_experts_beside(b, out, x, l);
  if (side_by_side) return b.g.sum(b.g.sum(feed(l.order == Order::one_norm ? normed : b.norm(x, l.norm)), x), out);
  const bool normed_behind = behind(l.order) || l.order == Order::sandwich;
  if (normed_behind) out = b.norm(out, l.norm);
  const int middle = b.g.sum(out, x);
  out = feed(behind(l.order) ? middle : b.norm(middle, l.norm));
  if (normed_behind) out = b.norm(out, l.norm);
  return adds_to_residual(l) ? b.g.sum(middle, out) : b.g.sum(out, middle);
}

/// Whether rows are chosen only behind the last layer, whose output is kept for drafting.
/// Source: [llama-cpp-graph] src/models/openai-moe.cpp
bool chooses_late(const DecoderLayer& last) { return last.experts && last.experts->clamped; }

/// A layer with a state, keys and values, or both side by side.
int block(Builder& b, int x, const HybridBlock& h, const DecoderLayer& l, bool last) {
  const auto sum = [&](int made, int residual) { return h.onto_residual ? b.g.sum(residual, made) : b.g.sum(made, residual); };
  const int normed = b.norm(x, l.norm);
  int out = nothing;
  if (h.only_feeds) out = b.mlp(normed, l.mlp);
  if (h.attends) out = b.attention(normed, l.attention);
  const bool both = h.attends && h.state;
  if (both) {
    x = b.g.sum(b.g.sum(out, b.state_mixer(b.norm(x, l.norm), *h.state)), x);
    if (last) x = b.chosen_rows(x);
  } else {
    if (h.state) out = b.state_mixer(normed, *h.state);
    if (last) {
      out = b.chosen_rows(out);
      x = b.chosen_rows(x);
    }
    x = sum(out, x);
  }
  if (!h.feeds) return x;
  const int behind_norm = b.norm(x, l.norm);
  return sum(l.experts ? b.experts(behind_norm, *l.experts) : b.mlp(behind_norm, l.mlp), x);
}

/// Norm and head, whose results are handed out.
Graph finish(Builder& b, int x, const Decoder& model, const Setting& setting, bool rows_behind_norm) {
  b.home = setting.head_home;
  if (model.final_norm) x = b.norm(x, *model.final_norm);
  b.g.at(x).output = true;
  if (rows_behind_norm) b.g.at(x = b.chosen_rows(x)).output = true;
  x = b.project(x, model.vocabulary, model.head_bias);
  b.g.at(x).output = true;
  b.g.expand(x);
  return std::move(b.g);
}

}  // namespace

Graph decoder_graph(const Decoder& model, const Setting& setting) {
  Builder b(model, setting);
  int x = b.embedding();
  const bool late = chooses_late(model.layers.back());
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    if (setting.skipped[i]) continue;
    b.start(i);
    x = layer(b, x, model.layers[i], !late && i + 1 == model.layers.size());
  }
  if (late) {
    b.g.at(x).output = true;
    x = b.chosen_rows(x);
  }
  return finish(b, x, model, setting, false);
}

Graph hybrid_graph(const HybridModel& model, const Setting& setting) {
  const Decoder& d = model.decoder;
  Builder b(d, setting);
  int x = b.embedding();
  for (std::size_t i = 0; i < d.layers.size(); ++i) {
    if (setting.skipped[i]) continue;
    b.start(i);
    x = block(b, x, model.blocks[i], d.layers[i], !model.rows_behind_norm && i + 1 == d.layers.size());
  }
  return finish(b, x, d, setting, model.rows_behind_norm);
}

}  // namespace gpumem::ggml
