#pragma once
// One GPU's part of a model whose matrices are split over several (tensor parallelism), as vLLM, SGLang and
// PyTorch split them.
// Source: [vllm] vllm/model_executor/layers/linear.py, vocab_parallel_embedding.py

#include "layers/decoder.hpp"
#include "quantization/stored_tensor.hpp"

namespace gpumem {

/// Rows of token tables are made a multiple of 64 before they are split.
/// Source: [vllm] vocab_parallel_embedding.py DEFAULT_VOCAB_PADDING_SIZE
double padded_vocabulary(double rows);

/// Heads, inner widths and the vocabulary divided; heads of keys and values at least one on each GPU.
Decoder decoder_of_rank(Decoder model, double ranks);

/// The same without rows more than the model has.
Decoder split_over_ranks(Decoder model, double ranks);

/// The same for a model known by its tensors alone: linears by their names, norms, routers and latents whole.
/// `heads`, `kv_heads`: the attention's; 0 where they are not known.
StoredTensors tensors_of_rank(StoredTensors tensors, double ranks, double kv_heads);

}  // namespace gpumem
