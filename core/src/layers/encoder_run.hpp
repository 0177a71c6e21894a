#pragma once
// A model with an encoder in one pass.

#include <string_view>

#include "layers/encoder_model.hpp"
#include "layers/pass.hpp"
#include "machine/schedule.hpp"

namespace gpumem {

/// A number per place between the first layer and the end, equal where layers are alike.
std::vector<int> layer_kinds(const EncoderModel& model);

/// Pixels [b, channels, side, side] → rows [b, patches (and the whole), width].
Value embed_patches(Machine& m, const InputLayer& in, double width, const Value& pixels);

class EncoderRun {
 public:
  EncoderRun(const EncoderModel& model, Schedule schedule) : model_(model), schedule_(std::move(schedule)) {}

  /// What is read → hidden states [b, s, h]. Every layer is a stretch of `phase` in the ledger.
  Value encode(Machine& m, Value input, Pass pass, std::string_view phase);
  /// Token ids [b, s] → hidden states, attending to `pass.encoded`.
  Value decode(Machine& m, const Value& ids, Pass pass, std::string_view phase);
  /// Behind the last layer: hidden states → what the head makes of them.
  Value head(Machine& m, Value hidden);
  /// How alike images and texts are: [texts, images], and what the model gives back beside it.
  Value similarity(Machine& m, const Value& pixels, const Value& ids, const Pass& pass, std::string_view phase, std::vector<Value>& given);
  /// Of similarities [b, b]: the loss of pairs that belong together.
  Value pair_loss(Machine& m, const Value& similar);
  /// What the head reads of a decoder's output.
  Value scaled(Machine& m, const Value& hidden);
  /// Logits with a bias that is no parameter, where the model has one.
  Value biased(Machine& m, Value scores);
  /// What the model keeps on the device besides its parameters.
  std::vector<Value> buffers(Machine& m);
  /// The decoder's cache as it is when that many tokens have been seen, without running them.
  void stretch_cache(Machine& m, KvCache& cache, double seen);
  /// The model's output has been dropped, and what it had beside its last rows.
  void let_go() { beside_.clear(); }

  [[nodiscard]] const Schedule& schedule() const { return schedule_; }

 private:
  /// What a stack's forward holds until it returns.
  using Held = std::vector<Value>;
  Value embed(Machine& m, const InputLayer& in, const Value& input, const Pass& pass, Held& held);
  Value embed_tokens(Machine& m, const InputLayer& in, const Value& ids, const Pass& pass, Held& held);
  Value convolved(Machine& m, const Value& pixels);
  Value staged(Machine& m, const Value& pixels, const Pass& pass, std::string_view phase);
  Value mean_of_rows(Machine& m, const Value& hidden);
  Value embed_wave(Machine& m, const Value& samples, const Pass& pass, Held& held);
  Value embed_sound(Machine& m, const InputLayer& in, const Value& features, Held& held);
  Value token_table(Machine& m, const InputLayer& in);
  Value embed_masked(Machine& m, const InputLayer& in, const Value& ids, Held& held);
  Value labels(Machine& m, const Value& hidden);
  void bias_scores(Machine& m, const Stack& stack, Pass& pass);
  Value run_layers(Machine& m, const Stack& stack, int first, Value hidden, Pass pass, std::string_view phase, Held* given = nullptr);
  Value first_with_bias(Machine& m, const DecoderLayer& layer, const Value& x, Pass& pass);
  Value finish(Machine& m, const Stack& stack, Value hidden);
  Value logits(Machine& m, Value hidden);
  Value pooled(Machine& m, const Head& head, const Value& hidden);

  const EncoderModel& model_;
  Schedule schedule_;
  Value table_, logits_bias_;
  Value bias_table_;   ///< of biases by distance, where the first layer looks them up
  std::vector<Value> beside_;   ///< what is held beside the last rows until the model has returned, or its output goes
  std::vector<double> normed_;   ///< channels of norms that keep what they have seen
};

}  // namespace gpumem
