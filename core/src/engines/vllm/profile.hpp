#pragma once
// What vLLM's start measures before it takes its pool: the peak of one pass of as many tokens as a step may have, and of
// the choice of the next tokens. Its kernels are fused, so fewer tensors live at once than under transformers.

#include <string>

#include "layers/decoder.hpp"
#include "machine/component.hpp"
#include "machine/format.hpp"

namespace gpumem::vllm {

struct ProfilePlan {
  double tokens = 0;                 ///< max_num_batched_tokens
  double requests = 0;               ///< max_num_seqs: rows of logits
  double vocabulary = 0;             ///< of all GPUs: logits are gathered
  const Format* compute = nullptr;
  bool compiled = true;              ///< norms and residual sums run in place; without, their results lie beside them
  bool checks_drafts = false;        ///< of speculative decoding: the rows of a draft are chosen again
  bool sorts = false;                ///< logits are sorted to choose among the likeliest
};

/// Older versions are told by their number, by the generation of the engine or by their year. What is computed here is 0.32.
struct Version {
  bool first_engine = false;         ///< V0: nothing is compiled
  bool before_graph_estimates = false;   ///< before 0.21: graphs on top of what is planned, choices by sorting
};
Version version_of(const std::string& text);

/// The highest moment: inside a layer, or at the logits.
/// Source: [vllm] vllm/v1/worker/gpu_model_runner.py profile_run, _dummy_sampler_run
Parts profiled_peak(const Decoder& model_of_rank, const ProfilePlan& plan);

}  // namespace gpumem::vllm
