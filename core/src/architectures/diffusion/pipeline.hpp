#pragma once
// A pipeline of Diffusers, from the configurations of its components.

#include <memory>
#include <string>
#include <vector>

#include "architectures/architecture.hpp"
#include "architectures/fields.hpp"
#include "layers/diffusion/components.hpp"

namespace gpumem {

/// In which order a pipeline's class calls its components, and with how much text.
/// Source: [diffusers] pipelines/*/pipeline_*.py __call__, encode_prompt
struct PipelineFlow {
  enum class Text { clip, clip_twice, clip_and_t5, three, t5, none };
  Text text = Text::none;
  double prompt_tokens = 77;      ///< of the T5 encoder
  bool guided = true;             ///< classifier-free guidance: two prompts
  bool joined = true;             ///< both halves of it in one batch
  bool masked = false;            ///< the encoder gets a mask
  bool step_each = false;         ///< every token of the latents has a timestep of its own
  bool upcasts_decoder = false;   ///< an fp16 decoder that asks for it is run in fp32
};

struct Pipeline {
  std::string class_name;
  std::vector<std::shared_ptr<const PipelinePart>> parts;
  std::vector<const TextEncoder*> encoders;
  const Denoiser* denoiser = nullptr;
  const LatentDecoder* decoder = nullptr;
  PipelineFlow flow;
  double width = 1024, height = 1024, frames = 1;   ///< what it makes if nothing is said

  /// Whether every step is known.
  [[nodiscard]] bool runs() const { return flow.text != PipelineFlow::Text::none && !encoders.empty() && denoiser && decoder; }
};

/// Reads every component; what is wrong goes to the issues of `config`. `library`: inventories by model type.
std::shared_ptr<const Pipeline> read_pipeline(Fields& config, const Document* library);

/// A list of counts, or one count `length` times.
std::vector<double> read_counts(Fields& config, std::string_view name, double absent, std::size_t length, double most);

std::shared_ptr<PipelinePart> read_unet(Fields& config);
std::shared_ptr<PipelinePart> read_flux(Fields& config);
std::shared_ptr<PipelinePart> read_pixart(Fields& config);
std::shared_ptr<PipelinePart> read_sd3(Fields& config);
std::shared_ptr<PipelinePart> read_wan(Fields& config);
std::shared_ptr<PipelinePart> read_cogvideox(Fields& config);
std::shared_ptr<PipelinePart> read_qwen_image(Fields& config);
std::shared_ptr<PipelinePart> read_wan_autoencoder(Fields& config);
std::shared_ptr<PipelinePart> read_cogvideox_autoencoder(Fields& config);
std::shared_ptr<PipelinePart> read_image_autoencoder(Fields& config);
std::shared_ptr<PipelinePart> read_clip_text(Fields& config);
std::shared_ptr<PipelinePart> read_t5_text(Fields& config);

}  // namespace gpumem
