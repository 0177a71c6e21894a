#pragma once
// Models with an encoder under transformers on one GPU: one pass, or an encoder's pass and a text token by token.

#include "engines/transformers.hpp"
#include "layers/encoder_run.hpp"

namespace gpumem {

struct EncoderPlan {
  GenerationPlan text;         ///< an encoder without a decoder reads its context in one pass
  double encoder_tokens = 1;   ///< what the encoder reads, where that is tokens
};

/// Runs it on `m`, which must be new. Phases of its ledger: forward; with a decoder encode, prefill, decode.
GenerationFacts run_encoder(Machine& m, const EncoderModel& model, const EncoderPlan& plan, bool every_layer = false);

}  // namespace gpumem
