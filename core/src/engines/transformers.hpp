#pragma once
// transformers' generate() on one GPU: one or several prefill passes, then one token at a time.

#include "layers/cache.hpp"
#include "layers/image_reader.hpp"
#include "layers/model.hpp"

namespace gpumem {

struct GenerationPlan {
  const Format* weights = bf16;
  double sequences = 1, prompt_tokens = 1, context_tokens = 1, prefill_tokens = 1;
  AttentionKernel kernel = AttentionKernel::flash;
  bool fixed_cache = false;
  const std::vector<Alive>* stored = nullptr;   ///< the weights, where they are stored otherwise than computed with
  bool all_logits = false;                      ///< of every position of a pass, widened
  double rotary_rows = 0;                       ///< of the tables that each layer keeps; 0: none does
  bool unpacks = false;                         ///< linears in 4 bits, unpacked for each use
  bool packs_head = false;                      ///< the head among them
  const Format* unpacked_first = nullptr;       ///< see Machine
  const Format* cache = nullptr;                ///< of keys; null: the format of the weights
  const Format* cached_values = nullptr;        ///< of values; null: as keys
  const CacheQuantization* packed_cache = nullptr;   ///< keys and values in few bits
  void (*lay_out_cache)(const GenerationPlan&, const Decoder&, KvCache&) = nullptr;   ///< where another engine does it otherwise
  double drafted = 0;                           ///< tokens of a draft that are checked at once
  const ImageReader* reader = nullptr;          ///< of images that are part of the prompts
  double images = 0;                            ///< of all sequences together
  bool shared_cells = false, full_windows = false;   ///< llama.cpp's kv_unified and swa_full
};

/// The next token of each sequence, from the last rows of the logits (one, or more where a draft is checked), behind its ids.
Value choose(Machine& m, const Value& logits, const Value& ids, double rows = 1);

struct GenerationFacts {
  Bytes cache;   ///< what the cache holds at the end, carried states included, unrounded
};

/// Runs it on `m`, which must be new. Phases of its ledger: encode (where there are images), prefill, decode.
GenerationFacts run_generation(Machine& m, const Decoder& model, const GenerationPlan& plan, bool every_layer = false);

}  // namespace gpumem
