// Indexers of DeepSeek-V3.2 and GLM-5: each token's most useful earlier ones, and a mask that hides the others.

#include <algorithm>

#include "engines/ggml/graph_builder.hpp"

namespace gpumem::ggml {

/// Scores come from one kernel, which takes its mask in 16 bits.
/// Source: [llama-cpp-graph] src/models/glm-dsa.cpp, src/models/deepseek32.cpp
int Builder::chosen_tokens(int x, int queries, double rotary_dim) {
  const double d = indexer->dim, heads = indexer->heads, each = c.tokens / c.streams;
  if (index_.mask == nothing) {
    index_.places = g.input(8, {c.tokens, 1, 1, 1});
    index_.mask = g.input(2, {c.cells, each, 1, c.streams});
    index_.turn = g.input(4, {d, d, 1, 1});
  }
  const auto turned_part = [&](int t, double count) {
    const double row = 4 * d, all = row * count;
    const int leading = g.view(t, {rotary_dim, count, c.tokens, 1}, row, all, all * c.tokens, 0);
    const int rest = g.view(t, {d - rotary_dim, count, c.tokens, 1}, row, all, all * c.tokens, 4 * (d - rotary_dim));
    return g.product(index_.turn, g.joined(g.like(Op::rotary, leading, {positions()}), rest));
  };
  int query = turned_part(project(queries, d * heads), heads);
  const int key = turned_part(norm(project(x, d), NormKind::layer), 1);
  const int cache = g.cache(c.key_unit, {d, c.cells, c.streams, 1}, c.cache_on_processor ? c.processor : home);
  store(cache, key, index_.places, false);
  int weights = project(x, heads);
  const double line = c.key_unit * d, row = 4 * d * heads;
  const int keys = g.view(cache, {d, 1, c.cells, c.streams}, line, line, line * c.cells, 0);
  query = g.view(query, {d, heads, each, c.streams}, 4 * d, row, row * each, 0);
  weights = g.in_place(g.view(weights, {heads, each, 1, c.streams}, 4 * heads, 4 * heads * each, 4 * heads * each, 0));
  const int scores = g.make(Op::fresh, {c.cells, each, 1, c.streams}, {query, keys, weights, index_.mask});
  return g.contiguous(g.make(Op::fresh, {std::min(c.cells, indexer->top), each, 1, c.streams}, {scores}));
}

/// All hidden, then zeros where a token was chosen.
/// Source: [llama-cpp-graph] src/llama-graph.cpp: build_attn of llm_graph_input_attn_k_dsa
int Builder::only_chosen(int mask) {
  const double each = c.tokens / c.streams, top = std::min(c.cells, indexer->top);
  const int hidden = g.in_place(mask);
  const Extents line = g.at(hidden).stride;
  const int cells = g.view(hidden, {1, c.cells, each, c.streams}, line[0], line[1], line[3], 0);
  const int chosen = g.view(index_.chosen, {top, each, c.streams, 1}, 4 * top, 4 * top * each, 4 * top * each * c.streams, 0);
  const int zeros = g.in_place(g.blank(4, {1, top, each, c.streams}));
  const int shown = g.set_rows(cells, zeros, chosen);
  return g.sum(g.view(shown, {c.cells, each, 1, c.streams}, line[1], line[2], line[3], 0), mask);
}

}  // namespace gpumem::ggml
