#pragma once
// What one rank computes of a model under Megatron-LM with Transformer Engine's modules. The decoder that goes with it is
// already this rank's: heads, widths and the vocabulary are divided.
// Activations are [rows, width]: tokens of all sequences of a micro-batch, one below the other.

#include <vector>

#include "layers/decoder.hpp"
#include "machine/machine.hpp"

namespace gpumem::megatron {

/// How context-parallel ranks see each other's keys and values.
enum class ContextExchange { all_to_all, ring, all_gather };

/// What is not kept for backward but computed again.
struct Recompute {
  bool attention = false;     ///< core_attn
  bool up_projection = false; ///< mla_up_proj
  bool mlp = false, moe = false, shared_experts = false;
  bool expert_activation = false;   ///< moe_act
  bool norms = false;         ///< layernorm: norms that are modules of their own
  double whole_layers = 0;    ///< layers computed again as one; 0: none are
  double first_layers = -1;   ///< only so many of each stage, one by one ("block"); −1: all
  bool operator==(const Recompute&) const = default;
};

/// How tokens reach the experts.
struct Dispatch {
  double local_experts = 0;   ///< of the routed ones, on this rank
  double sent = 0;            ///< rows this rank sends: tokens times the experts each one goes to
  double received = 0;        ///< rows its experts work on
  bool exchanged = false;     ///< experts lie on several ranks
  const Format* router = bf16;      ///< the format of the router's logits
  bool shared_overlapped = false;   ///< the shared expert gathers its input itself and keeps it
  bool balance_loss = false;  ///< a loss that keeps experts equally busy
};

struct Share {
  double hidden = 0;
  double rows = 0;        ///< where heads and widths are divided
  double kept_rows = 0;   ///< where tokens are: rows over the tensor ranks under sequence parallelism
  bool tied = false;      ///< the head's weight is the table of tokens, on the same rank
  double tensor = 1, context = 1;
  ContextExchange exchange = ContextExchange::all_to_all;
  bool fused_activation = true;
  enum class Loss { engine, native, unfused };
  Loss loss = Loss::engine;     ///< whose cross entropy over a divided vocabulary
  Dispatch dispatch;
  Recompute recompute;
  [[nodiscard]] bool sequence_parallel() const { return kept_rows < rows; }
};

/// Weights whose gradient the framework replaces by one placeholder for each shape, made once and kept.
/// Source: [transformer-engine] pytorch/module/base.py get_dummy_wgrad
struct Placeholders {
  std::vector<Shape> shapes;
  void note(double out, double in) {
    const Shape shape = {out, in};
    for (const Shape& s : shapes)
      if (s == shape) return;
    shapes.push_back(shape);
  }
};

/// A forward pass of this rank's layers.
struct Pass {
  const Share& share;
  Placeholders& placeholders;
};

}  // namespace gpumem::megatron
