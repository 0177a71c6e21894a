#pragma once
// Layers behind the last one that guess the tokens after the next: each reads a token's embedding and the hidden state before it.

#include "architectures/cache_rows.hpp"
#include "layers/decoder.hpp"
#include "gpumem/document.hpp"
#include "quantization/stored_tensor.hpp"

namespace gpumem::vllm {

/// One GPU's decoder with so many of them: layers like its last one, a product that joins the two rows, and three norms.
/// Token table and head are the model's own.
/// Source: [vllm] vllm/model_executor/models/deepseek_mtp.py DeepSeekMultiTokenPredictorLayer;
/// vllm/v1/spec_decode/llm_base_proposer.py _maybe_share_embeddings, _maybe_share_lm_head
Decoder with_predictors(Decoder of_rank, double count);
/// The same of a model without a program, and of what its layers keep.
StoredTensors with_predictors(StoredTensors whole, double hidden, double count);
CacheRows with_predictors(CacheRows rows, double count);

/// How many a configuration brings along.
double predictors_of(const Document& config);

}  // namespace gpumem::vllm
