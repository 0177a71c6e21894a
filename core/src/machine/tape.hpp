#pragma once
// What autograd remembers of the forward pass: one node an operation, with the tensors it saved for its backward.
// Source: [pytorch-autograd-engine] torch/csrc/autograd/function.h Node, saved_variable.h SavedVariable

#include <array>
#include <functional>
#include <vector>

#include "machine/value.hpp"

namespace gpumem {

class Machine;
struct Node;

inline constexpr int most_inputs = 4, most_outputs = 4, most_saved = 8;

/// Gradients on their way through one node: of its outputs (given) and of its inputs (made by the rule).
struct Gradients {
  std::array<Value, most_outputs> given;
  std::array<Value, most_inputs> made;
};

/// A rule of backward: allocates the gradient of each input that needs one, temporaries included, in PyTorch's order.
using Backward = void (*)(Machine&, Node&, Gradients&);

/// A tensor's kind, without the tensor.
struct Meta {
  Shape shape;
  const Format* format = nullptr;
  Layout layout = Layout::token_major;
};

/// Where an input's gradient goes: to an output of an earlier node, to a parameter, or nowhere.
struct Edge {
  int node = -1, output = 0, parameter = -1;
  [[nodiscard]] bool wanted() const { return node >= 0 || parameter >= 0; }
};

struct Node {
  Backward backward = nullptr;
  std::array<Edge, most_inputs> edge;
  std::array<Meta, most_inputs> input;
  std::array<Meta, most_outputs> output;
  std::array<Value, most_saved> saved;
  std::array<Value, most_outputs> gradient;   ///< what has arrived for each output so far
  int saved_count = 0, refilled = 0;
  unsigned away = 0;                          ///< bits: which of `saved` lie in the host's memory
  int layer = 0, scope = 0, frame = -1;
  Component made = Component::activations;    ///< what its results and their gradients are for

  [[nodiscard]] bool wants(int i) const { return edge[static_cast<std::size_t>(i)].wanted(); }
};

/// A checkpointed stretch: its nodes saved nothing; the first backward that needs something runs `again`.
/// Source: [pytorch-checkpoint] non-reentrant variant: recomputation stops at the last tensor to be saved. The reentrant
/// one, CheckpointFunction.backward, runs to the end and holds the result and its gradient while it walks back.
struct Frame {
  std::function<Value()> again;
  bool reentrant = false;
  Value result, result_gradient;
  int first_node = 0;
  int cursor = 0;             ///< nodes met so far in the second run
  int saves = 0, refilled = 0;
  int layer = 0, scope = 0;
  std::size_t parameter = 0;  ///< of that layer, the one that comes next
  bool selective = false;     ///< results of costly operations are kept, and not computed again
  int products = 0;           ///< matrix products met so far
  std::vector<Value> kept;    ///< those results, in their order
  std::size_t next_kept = 0;
  const Format* autocast = nullptr;   ///< as it was in the first run
  bool done = false;
};

}  // namespace gpumem
