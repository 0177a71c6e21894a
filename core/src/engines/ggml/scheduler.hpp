#pragma once
// ggml's scheduler: which backend runs each node, where a graph is split, and what is copied between backends.

#include "engines/ggml/allocator.hpp"

namespace gpumem::ggml {

struct Backends {
  int gpus = 1;               ///< they come first; the processor is the last
  int copies = 1;             ///< of every input of a split: 4 where batches go through GPUs in a pipeline
  bool carries = true;        ///< large products with matrices of the host run on a GPU (op_offload)
  [[nodiscard]] int processor() const { return gpus; }
  [[nodiscard]] int count() const { return gpus + 1; }
};

/// Assigns the nodes and adds the copies; the graph's sources change to what its nodes then read.
/// Source: [ggml] src/ggml-backend.cpp: ggml_backend_sched_split_graph
Plan split(Graph& graph, const Backends& backends);

}  // namespace gpumem::ggml
