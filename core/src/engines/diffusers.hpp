#pragma once
// A pipeline of Diffusers on one GPU: all of its components on the device, or one after the other.

#include "architectures/diffusion/pipeline.hpp"
#include "layers/diffusion/autoencoder.hpp"

namespace gpumem {

struct PipelinePlan {
  const Format* weights = bf16;
  const Format* decoder = bf16;        ///< of the decoder's weights
  double images = 1, width = 1024, height = 1024, frames = 1;
  double prompt_tokens = 0;            ///< where prompts are of any length; 0: the most
  DecodePlan decoding;
  bool one_by_one = false;   ///< a component is on the device only while it runs
  bool module_by_module = false;   ///< and of it only the module that runs
  bool guided = true;        ///< by a second prompt, where the pipeline's class does so
};

/// Runs it on `m`, which must be new: declares all weights, then the phases text-encode, denoise and vae-decode, as far
/// as they are known. A layer of the machine is a component.
struct PipelineFacts {
  std::size_t parameters = 0;   ///< rows of the machine's that are the pipeline's weights
};
PipelineFacts run_pipeline(Machine& m, const Pipeline& pipeline, const PipelinePlan& plan);

}  // namespace gpumem
