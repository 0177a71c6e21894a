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
  enum class Text { clip, clip_twice, clip_and_t5, three, t5, language, language_and_clip, none };
  Text text = Text::none;
  double prompt_tokens = 77;      ///< of the T5 encoder
  bool guided = true;             ///< classifier-free guidance: two prompts
  bool joined = true;             ///< both halves of it in one batch
  bool masked = false;            ///< the encoder gets a mask
  bool step_each = false;         ///< every token of the latents has a timestep of its own
  bool upcasts_decoder = false;   ///< an fp16 decoder that asks for it is run in fp32
  double template_tokens = 0;     ///< read before the prompt, and cut off
  int layers_back = -1;           ///< the text is what a language model had so many layers before its end; -1: its output, and no layer's states are kept
  bool any_length = false;        ///< prompts are not filled up: `prompt_tokens` is the most
  /// Latents of an image as large, beside those being made as further channels or behind them as further rows.
  enum class Image { none, beside, behind };
  Image image = Image::none;
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

/// What absent fields of a transformer stand for.
struct UsualSizes {
  double layers, heads, head_dim, in_channels, text_width;
};
class DiffusionTransformer;
void read_sizes(Fields& config, DiffusionTransformer& transformer, Names text, const UsualSizes& usual);

std::shared_ptr<PipelinePart> read_unet(Fields& config);
std::shared_ptr<PipelinePart> read_flux(Fields& config);
std::shared_ptr<PipelinePart> read_pixart(Fields& config);
std::shared_ptr<PipelinePart> read_sd3(Fields& config);
std::shared_ptr<PipelinePart> read_wan(Fields& config);
std::shared_ptr<PipelinePart> read_cogvideox(Fields& config);
std::shared_ptr<PipelinePart> read_qwen_image(Fields& config);
std::shared_ptr<PipelinePart> read_aura_flow(Fields& config);
std::shared_ptr<PipelinePart> read_flux2(Fields& config);
std::shared_ptr<PipelinePart> read_hunyuan_video(Fields& config);
std::shared_ptr<PipelinePart> read_hunyuan_autoencoder(Fields& config);
std::shared_ptr<PipelinePart> read_lumina2(Fields& config);
std::shared_ptr<PipelinePart> read_sana(Fields& config);
std::shared_ptr<PipelinePart> read_deep_autoencoder(Fields& config);
std::shared_ptr<PipelinePart> read_z_image(Fields& config);
std::shared_ptr<PipelinePart> read_wan_autoencoder(Fields& config);
std::shared_ptr<PipelinePart> read_cogvideox_autoencoder(Fields& config);
std::shared_ptr<PipelinePart> read_image_autoencoder(Fields& config);
std::shared_ptr<PipelinePart> read_clip_text(Fields& config);
std::shared_ptr<PipelinePart> read_t5_text(Fields& config);
/// A language model of a type that pipelines read prompts with, or null.
std::shared_ptr<PipelinePart> read_language_text(Fields& config, const Document* library);

}  // namespace gpumem
