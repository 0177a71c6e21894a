#pragma once
// transformers' generate() on one GPU: one or several prefill passes, then one token at a time.

#include "layers/model.hpp"

namespace gpumem {

struct GenerationPlan {
  const Format* weights = bf16;
  double sequences = 1, prompt_tokens = 1, context_tokens = 1, prefill_tokens = 1;
  AttentionKernel kernel = AttentionKernel::flash;
  bool fixed_cache = false;
};

/// The next token of each sequence, from the last row of the logits, behind its ids.
Value choose(Machine& m, const Value& logits, const Value& ids);

struct GenerationFacts {
  Bytes cache;   ///< what the cache holds at the end, unrounded
};

/// Runs it on `m`, which must be new. Phases of its ledger: prefill, decode.
GenerationFacts run_generation(Machine& m, const Decoder& model, const GenerationPlan& plan, bool every_layer = false);

}  // namespace gpumem
