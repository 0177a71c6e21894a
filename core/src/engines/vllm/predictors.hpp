#pragma once
// Layers behind the last one that guess the tokens after the next: each reads a token's embedding and the hidden state before it.

#include "layers/decoder.hpp"

namespace gpumem::vllm {

/// One GPU's decoder with so many of them: layers like its last one, a product that joins the two rows, and three norms.
/// Token table and head are the model's own.
/// Source: [vllm] vllm/model_executor/models/deepseek_mtp.py DeepSeekMultiTokenPredictorLayer;
/// vllm/v1/spec_decode/llm_base_proposer.py _maybe_share_embeddings, _maybe_share_lm_head
Decoder with_predictors(Decoder of_rank, double count);

}  // namespace gpumem::vllm
