#pragma once
// ggml's graph allocator: where every tensor of a graph would lie, and so how large each buffer has to be.

#include <vector>

#include "engines/ggml/graph.hpp"

namespace gpumem::ggml {

/// Free stretches of one buffer by address; the last one has no end.
/// Source: [ggml] src/ggml-alloc.c: ggml_dyn_tallocr
class FreeList {
 public:
  /// Takes the smallest stretch that is large enough, the last of equals; only if none is, the buffer grows.
  double take(double size);
  void give(double offset, double size);
  [[nodiscard]] double highest() const { return highest_; }

 private:
  struct Block { double offset, size; };
  std::vector<Block> blocks_{{0, 4611686018427387904.0}};
  double highest_ = 0;
};

/// What the scheduler hands over: nodes and leafs, each with the buffer it belongs to.
struct Placed { int tensor; int buffer; };
struct Plan {
  std::vector<Placed> nodes, leafs;
};

/// The size of each buffer. Where the buffers of a GPU lie in steps of 128 bytes.
/// Source: [ggml] src/ggml-alloc.c: ggml_gallocr_alloc_graph_impl; src/ggml-cuda/ggml-cuda.cu: alignment
std::vector<double> buffer_sizes(const Graph& graph, const Plan& plan, int buffers);

}  // namespace gpumem::ggml
