#pragma once
// How Megatron-LM spreads a decoder: heads, widths and the vocabulary over tensor ranks, tokens over context ranks, experts
// over expert ranks, layers over pipeline stages.

#include "layers/decoder.hpp"
#include "placement/layout.hpp"
#include "training/megatron/stage.hpp"

namespace gpumem::megatron {

/// What of a layout is Megatron-LM's own.
struct Spread {
  double expert_tensor = 1;                  ///< ranks over which one expert is divided
  double first_layers = 0, last_layers = 0;  ///< of the first and the last stage; 0: like the others
  bool embedding_counts = false, head_counts = false;   ///< as a layer, where layers are shared out
  double vocabulary_multiple = 128;
  double capacity = 0;                       ///< of an expert, as a share of tokens · top / experts; 0: any number of rows
  bool padded = false;                       ///< experts get exactly that many
};

/// Rows of token tables are made a multiple of this times the tensor ranks.
/// Source: [megatron-lm] megatron/training/tokenizer/tokenizer.py _vocab_size_with_padding
double padded_vocabulary(double rows, const Spread& spread, double tensor);

/// One rank's part of every layer. Keys' heads that are fewer than the ranks are held by several.
Decoder part_of(Decoder model, const RankLayout& layout, const Spread& spread);

/// Tokens and experts of one rank; `tokens` of a whole micro-batch.
Share share_of(const Decoder& model, const RankLayout& layout, const Spread& spread, double tokens);

/// Layers of each stage; in all they are the model's. `even`: whether the stages' numbers are what was asked for.
std::vector<double> layers_by_stage(double layers, double stages, const Spread& spread, bool& even);

/// The chunks of that stage, with the micro-batches that wait when its memory is fullest.
/// Source: [megatron-lm] megatron/core/pipeline_parallel/schedules.py
std::vector<Chunk> chunks_of(const std::vector<double>& layers_of_chunks, const RankLayout& layout, double stage, double micro_batches);

/// Ranks that hold the same dense weights, and the same experts.
double dense_copies(const RankLayout& layout);
double expert_copies(const RankLayout& layout, const Spread& spread);

}  // namespace gpumem::megatron
