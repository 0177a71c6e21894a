#pragma once
// A whole decoder in one pass: token ids in, logits or a loss out.

#include <functional>
#include <string_view>

#include "layers/decoder.hpp"
#include "layers/pass.hpp"
#include "machine/schedule.hpp"

namespace gpumem {

/// A number per layer, equal where layers are alike.
std::vector<int> layer_kinds(const Decoder& model);
std::vector<int> layer_kinds(const std::vector<DecoderLayer>& layers);

class ModelRun {
 public:
  ModelRun(const Decoder& model, Schedule schedule);
  [[nodiscard]] const Decoder& model() const { return model_; }

  /// ids [b, s] → hidden states [b, s, h] after the last norm. Every layer is a stretch of `phase` in the ledger.
  Value hidden_states(Machine& m, const Value& ids, Pass& pass, std::string_view phase);
  /// hidden states → logits [b, s, V], or [b, 1, V] of the last token.
  Value head(Machine& m, Value hidden, const Pass& pass);
  /// The head's weight [V, width].
  Value head_weight(Machine& m, double width);
  /// The soft cap on logits, where the model has one.
  Value cap(Machine& m, Value logits);
  /// What the model keeps on the device besides its parameters.
  std::vector<Value> buffers(Machine& m);
  /// The cache as it is when that many tokens have been seen, without running them.
  void stretch_cache(Machine& m, KvCache& cache, double seen);
  /// Layers that were not run take part from here on, each time their gap is passed.
  void close_gaps(Machine& m, int from_layer, int to_layer, bool gradients_stay);

  [[nodiscard]] const Schedule& schedule() const { return schedule_; }
  /// Whether its code computes the loss, in the logits' format; `before`: as in transformers before 4.49.
  [[nodiscard]] bool has_own_loss(bool before) const { return model_.own_loss || (before && model_.loss_once_narrow); }
  [[nodiscard]] int end_layer() const { return static_cast<int>(model_.layers.size()); }

  /// What is done to the token embeddings before the layers see them: images are put in their places.
  std::function<Value(Machine&, Value)> on_embeddings;
  /// Sequences that have positions, and tables of turning, of their own.
  double position_rows = 1;
  bool positions_given = false;   ///< by the caller, who holds them
  /// Tokens of an image see each other both ways: no kernel goes without a mask.
  bool both_ways = false;

 private:
  /// What the model's forward holds until it returns.
  struct Embedded {
    Value tokens, position_rows, positions, mask;
  };
  Value embed(Machine& m, const Value& ids, const Pass& pass, Embedded& held);
  Value run_layer(Machine& m, int number, Value hidden, const Pass& pass, std::string_view phase);
  /// Layers `first` to `last` under one checkpoint.
  Value run_together(Machine& m, int first, int last, const Value& hidden, const Pass& pass, std::string_view phase);

  const Decoder& model_;
  Schedule schedule_;
  Value table_;
};

}  // namespace gpumem
