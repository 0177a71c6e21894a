#pragma once
// The graph that llama.cpp builds for a decoder, of the operations that take memory. What would run in place of its
// operand in any case (scales, biases, activations of a plain MLP) is left out.

#include "engines/ggml/graph.hpp"
#include "layers/hybrid.hpp"

namespace gpumem::ggml {

/// A context of llama.cpp, completed: what decides a graph's shapes and where its layers lie.
struct Setting {
  double tokens = 512;          ///< of one batch (n_ubatch), a multiple of the sequences
  double sequences = 1;
  double streams = 1;           ///< caches of their own: the sequences, unless they share one
  double outputs = 512;         ///< rows of logits
  double cells = 4096;          ///< of a stream, in layers that keep everything
  double window_cells = 0;      ///< in layers with a window; 0: all layers are alike
  bool flash = true;
  double key_unit = 2, value_unit = 2;   ///< bytes of a cached element
  double matrix_unit = 2, expert_unit = 2;   ///< of a weight; counts where a matrix is carried to a GPU
  std::vector<signed char> layer_homes;  ///< backend of each layer
  std::vector<char> skipped;             ///< layers between equal ones, which change nothing
  signed char head_home = 0, processor = 1;
  bool cache_on_processor = false;
  double expert_layers_on_processor = 0;   ///< experts of so many first layers
};

Graph decoder_graph(const Decoder& model, const Setting& setting);
Graph hybrid_graph(const HybridModel& model, const Setting& setting);

}  // namespace gpumem::ggml
