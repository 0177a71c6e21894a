#pragma once
#include "layers/model.hpp"

namespace gpumem {

/// How logits and their loss are made.
struct LossPlan {
  enum class Kind { full, in_place, chunked, fused, listed };   ///< listed: by chunk, all of them kept (LitGPT)
  /// Labels are moved by one; or logits are, in a copy; or that copy is made where the first logits can go.
  enum class Shift { labels, logits, logits_reassigned };
  Kind kind = Kind::full;
  Shift shift = Shift::labels;
  bool outputs_in_fp32 = false;   ///< what the model gives back is widened before it is thrown away
  double rows = 0;   ///< chunked: rows of logits that are there at a time
};

/// What the version of transformers (major · 1000 + minor) does about the shift by one.
/// Source: [transformers] models/llama/modeling_llama.py up to 4.45; loss/loss_utils.py ForCausalLMLoss from 4.46, 4.49
LossPlan::Shift shift_of_version(int version);

/// The loss of hidden states [b, s, h] that have left the last norm, against labels [b, s] shifted by one. `kept`: what of
/// the model's output the training loop holds until the end of the step.
Value decoder_loss(Machine& m, ModelRun& run, Value hidden, const Pass& pass, const Value& labels, const LossPlan& plan,
                   std::vector<Value>& kept);

/// Cross entropy of logits [.., V] against as many labels, unshifted; in the logits' own format unless `widened`.
Value plain_loss(Machine& m, const Value& logits, const Value& labels, bool widened);

/// Of scores [b, rows, classes] and a shorter text for each sequence: over all ways to lay the one along the other; `read` is
/// the shape of what the model read.
Value alignment_loss(Machine& m, const Value& scores, const Value& labels, const Shape& read);

}  // namespace gpumem
