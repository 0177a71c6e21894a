#pragma once
// What vLLM's start measures before it takes its pool: the peak of one pass of as many tokens as a step may have, and of
// the choice of the next tokens. Its kernels are fused, so fewer tensors live at once than under transformers.

#include "layers/decoder.hpp"
#include "machine/component.hpp"
#include "machine/format.hpp"

namespace gpumem::vllm {

struct ProfilePlan {
  double tokens = 0;                 ///< max_num_batched_tokens
  double requests = 0;               ///< max_num_seqs: rows of logits
  double vocabulary = 0;             ///< of all GPUs: logits are gathered
  const Format* compute = nullptr;
};

/// The highest moment: inside a layer, or at the logits.
/// Source: [vllm] vllm/v1/worker/gpu_model_runner.py profile_run, _dummy_sampler_run
Parts profiled_peak(const Decoder& model_of_rank, const ProfilePlan& plan);

}  // namespace gpumem::vllm
