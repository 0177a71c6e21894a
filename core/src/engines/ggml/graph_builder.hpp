#pragma once
// The parts of llama.cpp's graphs, one function a mechanism.

#include <functional>

#include "engines/ggml/decoder_graph.hpp"

namespace gpumem::ggml {

class Builder {
 public:
  Builder(const Decoder& model, const Setting& setting) : m(model), c(setting) {}
  Graph g;

  void start(std::size_t i) {
    home = c.layer_homes[i];
    layer = static_cast<double>(i);
  }

  /// Source: [llama-cpp-graph] src/llama-graph.cpp: build_inp_embd
  int embedding();
  int norm(int x, NormKind kind);
  /// Source: [llama-cpp-graph] src/llama-graph.cpp: build_qkv, build_attn
  int attention(int x, const AttentionLayer& a);
  int latent_attention(int x, const AttentionLayer& a);
  /// Source: [llama-cpp-graph] src/llama-graph.cpp: build_ffn
  int mlp(int x, const MlpLayer& l);
  int gated(int x, double width, bool bias = false);
  /// Source: [llama-cpp-graph] src/llama-graph.cpp: build_moe_ffn
  int experts(int x, const ExpertsLayer& e);
  int state_mixer(int x, const StateMixer& s);
  /// The rows whose logits are asked for.
  int chosen_rows(int x);
  int project(int x, double width, bool bias = false) {
    return biased(g.product(g.weight(c.matrix_unit, {g.extent(x)[0], width, 1, 1}, home), x), bias);
  }

  signed char home = 0;         ///< backend of the layer being built
  double layer = 0;             ///< its number
  const Indexer* indexer = nullptr;   ///< its own, if it has one

 private:
  const Decoder& m;
  const Setting& c;
  struct CacheInputs { int keys = nothing, values = nothing, mask = nothing, key_turn = nothing, value_turn = nothing; };
  CacheInputs inputs_[2];       ///< of layers that keep everything, and of those with a window
  int positions_ = nothing, out_ids_ = nothing;

  int scaled(int x) { return g.like(Op::in_place, x, {g.weight(4, {g.extent(x)[0], 1, 1, 1}, home)}); }
  int biased(int x, bool bias) { return bias ? scaled(x) : x; }
  int positions();
  CacheInputs& cache_inputs(const AttentionLayer& a);
  [[nodiscard]] bool windowed(const AttentionLayer& a) const { return a.window > 0 && c.window_cells > 0; }
  struct Heads { int query, key, value; };
  Heads project_heads(int x, const AttentionLayer& a);
  int rotated(int x, const AttentionLayer& a);
  int turned(int x, int turn);
  void store(int cache, int x, int places, bool by_element);
  int attend(int q, int k, int v, int mask, int decompress, double behind);
  struct Choice { int experts, weights; };
  Choice choose(int x, const ExpertsLayer& e);
  int grouped(int scores, const ExpertsLayer& e);
  struct Index { int places = nothing, mask = nothing, turn = nothing, chosen = nothing; };
  Index index_;                 ///< inputs of indexers, and what the last one chose
  int chosen_tokens(int x, int queries, double rotary_dim);
  int only_chosen(int mask);
  int state_copy_ = nothing, state_rest_ = nothing;
  int state_cache(double size) { return g.cache(4, {size, c.sequences, 1, 1}, c.cache_on_processor ? c.processor : home); }
  void copy_to(int cache, int x, double rows);
  int states(int cache, const std::function<int(int, int)>& read);
  int convolved(int x, double channels, double kernel, int cache);
  int mamba(int x, const StateMixer& s);
  int mamba2(int x, const StateMixer& s);
  int short_convolution(int x, const StateMixer& s);
};

}  // namespace gpumem::ggml
