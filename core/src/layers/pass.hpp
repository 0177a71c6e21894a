#pragma once
// One forward pass over a batch: how many tokens, what came before, which attention kernel.

#include <array>
#include <memory>
#include <vector>

#include "layers/cache.hpp"
#include "machine/machine.hpp"

namespace gpumem {

enum class AttentionKernel { flash, sdpa, eager };

struct RotaryTables {
  Value cos, sin;
};

/// Keys and values that layers lend to later ones, by whether they have a window.
struct LentKeys {
  std::array<KvCache::KeyValue, 2> of;
  std::vector<Value> behind;   ///< what a second run has saved to make them again
};

struct Pass {
  double sequences = 1;
  double tokens = 1;       ///< of each sequence, in this pass
  double past = 0;         ///< tokens of each sequence seen before
  AttentionKernel kernel = AttentionKernel::flash;
  KvCache* cache = nullptr;
  KvCache* cross_cache = nullptr;  ///< keys and values of the encoder's output
  Value encoded;                   ///< the encoder's output, for a decoder that attends to it
  bool causal = true;              ///< no token sees a later one
  Value bias, cross_bias;          ///< of the scores, by distance
  Value distances, distance_rows;  ///< how far apart tokens are, and a row of hidden states for each distance
  bool last_token_only = false;   ///< logits of the last token, not of all
  double kept_tokens = 1;          ///< how many last ones that are: more where a draft is checked
  Value layer_inputs, layer_input;  ///< of all layers that get one of their own, and of the one that runs
  std::shared_ptr<LentKeys> lent;
  bool checkpointing = false;
  int together = 1;               ///< layers that one checkpoint holds
  double tensor_ranks = 1;        ///< that share every linear; between them they share the sequence

  /// Where a layer leaves the probabilities it gives back beside its output, until the next one does; families with
  /// attention code of their own do so.
  Value* returned = nullptr;
  /// Where checkpointed layers leave the keys and values they give back, until the model's output is dropped; null: they
  /// give none.
  std::vector<Value>* presents = nullptr;

  /// Rotary tables; the second one is that of layers with a window, where they have their own.
  std::array<RotaryTables, 2> rotary;
  /// Masks by whether the layer has a window.
  std::array<Value, 2> mask;

  /// This pass as layers with a window (or those without one) see it.
  [[nodiscard]] Pass of(bool windowed) const {
    Pass own = *this;
    own.returned = nullptr;   // a second run gives nothing back
    own.mask[!windowed].drop();
    if (rotary[1].cos) own.rotary[!windowed] = {};
    return own;
  }
  [[nodiscard]] const RotaryTables& rotary_of(bool windowed) const { return rotary[windowed && rotary[1].cos]; }
};

}  // namespace gpumem
