#pragma once
// Layers that keep a state in place of, or beside, keys and values. No program runs them here; engines build graphs of them.

#include "layers/decoder.hpp"

namespace gpumem {

struct StateMixer {
  enum class Kind {
    mamba,               ///< one state a channel
    mamba2,              ///< one a head
    short_convolution,   ///< a gated convolution over the last tokens, no state beside its inputs
  };
  Kind kind = Kind::mamba;
  double inner = 0, state = 0, kernel = 0;
  double heads = 0;          ///< of Mamba the rank of its time steps
  double groups = 1;
  bool normed = false;       ///< Mamba: time steps and both matrices are normalised; Mamba 2: the gated result is
  bool operator==(const StateMixer&) const = default;
};

/// Says which earlier tokens latent attention sees.
struct Indexer {
  double heads = 0, dim = 0, top = 0;
  bool shared = false;            ///< takes an earlier layer's choice
  bool operator==(const Indexer&) const = default;
};

/// What a layer does beside the fields of its DecoderLayer.
struct HybridBlock {
  std::optional<StateMixer> state;
  std::optional<Indexer> indexer;
  bool attends = false;
  bool feeds = false;             ///< has an MLP or experts behind a norm of their own
  bool only_feeds = false;        ///< is nothing but an MLP
  bool onto_residual = false;     ///< the residual is the first operand of its sums
  bool operator==(const HybridBlock&) const = default;
};

struct HybridModel {
  Decoder decoder;                ///< sizes, attention and MLP of each layer
  std::vector<HybridBlock> blocks;
  bool rows_behind_norm = false;  ///< rows of logits are chosen only behind the last norm
};

}  // namespace gpumem
