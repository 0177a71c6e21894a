#include "architectures/diffusion/pipeline.hpp"

#include <algorithm>
#include <array>

#include "architectures/common.hpp"
#include "architectures/diffusion/ltx.hpp"
#include "architectures/encoder_architecture.hpp"
#include "architectures/inventory.hpp"

namespace gpumem {
namespace {

/// A component of which only the weights are known.
class HeldPart : public PipelinePart {
 public:
  Inventory inventory;
  void declare(Machine& m) const override {
    for (const HeldTensor& t : inventory.tensors) {
      m.parameter(t.name.c_str(), t.shape);
      m.parameters.rows.back().copies = t.copies;
    }
  }
};

struct ComponentClass {
  std::string_view name;
  std::shared_ptr<PipelinePart> (*read)(Fields&);
};
constexpr std::array classes = {
    ComponentClass{"UNet2DConditionModel", read_unet},
    ComponentClass{"AuraFlowTransformer2DModel", read_aura_flow},
    ComponentClass{"AutoencoderDC", read_deep_autoencoder},
    ComponentClass{"AutoencoderKL", read_image_autoencoder},
    ComponentClass{"AutoencoderKLCogVideoX", read_cogvideox_autoencoder},
    ComponentClass{"AutoencoderKLFlux2", read_image_autoencoder},
    ComponentClass{"AutoencoderKLHunyuanVideo", read_hunyuan_autoencoder},
    ComponentClass{"AutoencoderKLLTXVideo", read_ltx_autoencoder},
    ComponentClass{"AutoencoderKLQwenImage", read_wan_autoencoder},
    ComponentClass{"AutoencoderKLWan", read_wan_autoencoder},
    ComponentClass{"ChromaTransformer2DModel", read_flux},
    ComponentClass{"CogVideoXTransformer3DModel", read_cogvideox},
    ComponentClass{"Flux2Transformer2DModel", read_flux2},
    ComponentClass{"FluxTransformer2DModel", read_flux},
    ComponentClass{"HunyuanVideoTransformer3DModel", read_hunyuan_video},
    ComponentClass{"LTXVideoTransformer3DModel", read_ltx},
    ComponentClass{"Lumina2Transformer2DModel", read_lumina2},
    ComponentClass{"PixArtTransformer2DModel", read_pixart},
    ComponentClass{"QwenImageTransformer2DModel", read_qwen_image},
    ComponentClass{"SD3Transformer2DModel", read_sd3},
    ComponentClass{"SanaTransformer2DModel", read_sana},
    ComponentClass{"WanTransformer3DModel", read_wan},
    ComponentClass{"ZImageTransformer2DModel", read_z_image},
};

using Text = PipelineFlow::Text;
using Image = PipelineFlow::Image;
struct Flow {
  std::string_view pipeline, denoiser, decoder;
  std::size_t encoders;
  PipelineFlow flow;
  double width, height, frames;
};
constexpr std::array flows = {
    Flow{"StableDiffusionPipeline", "UNet2DConditionModel", "AutoencoderKL", 1, {Text::clip}, 512, 512, 1},
    Flow{"StableDiffusionXLPipeline", "UNet2DConditionModel", "AutoencoderKL", 2, {Text::clip_twice, 77, true, true, false, false, true}, 1024, 1024, 1},
    Flow{"StableDiffusion3Pipeline", "SD3Transformer2DModel", "AutoencoderKL", 3, {Text::three, 256}, 1024, 1024, 1},
    Flow{"FluxPipeline", "FluxTransformer2DModel", "AutoencoderKL", 2, {Text::clip_and_t5, 512, false}, 1024, 1024, 1},
    Flow{"FluxFillPipeline", "FluxTransformer2DModel", "AutoencoderKL", 2, {Text::clip_and_t5, 512, false, true, false, false, false, 0, -1, false, Image::beside}, 1024, 1024, 1},
    Flow{"FluxKontextPipeline", "FluxTransformer2DModel", "AutoencoderKL", 2, {Text::clip_and_t5, 512, false, true, false, false, false, 0, -1, false, Image::behind}, 1024, 1024, 1},
    Flow{"ChromaPipeline", "ChromaTransformer2DModel", "AutoencoderKL", 1, {Text::t5, 512, true, false, true}, 1024, 1024, 1},
    Flow{"PixArtSigmaPipeline", "PixArtTransformer2DModel", "AutoencoderKL", 1, {Text::t5, 300, true, true, true}, 1024, 1024, 1},
    Flow{"PixArtAlphaPipeline", "PixArtTransformer2DModel", "AutoencoderKL", 1, {Text::t5, 120, true, true, true}, 1024, 1024, 1},
    Flow{"LTXPipeline", "LTXVideoTransformer3DModel", "AutoencoderKLLTXVideo", 1, {Text::t5, 128, true, true, true}, 704, 512, 161},
    Flow{"QwenImagePipeline", "QwenImageTransformer2DModel", "AutoencoderKLQwenImage", 1, {Text::language, 512, true, false, true, false, false, 34, 0, true}, 1024, 1024, 1},
    Flow{"ZImagePipeline", "ZImageTransformer2DModel", "AutoencoderKL", 1, {Text::language, 512, true, true, true, false, false, 0, 1}, 1024, 1024, 1},
    Flow{"SanaPipeline", "SanaTransformer2DModel", "AutoencoderDC", 1, {Text::language, 300, true, true, true}, 1024, 1024, 1},
    Flow{"HunyuanVideoPipeline", "HunyuanVideoTransformer3DModel", "AutoencoderKLHunyuanVideo", 2, {Text::language_and_clip, 256, false, false, true, false, false, 95, 2}, 1280, 720, 129},
    Flow{"AuraFlowPipeline", "AuraFlowTransformer2DModel", "AutoencoderKL", 1, {Text::t5, 256, true, true, true, false, true}, 1024, 1024, 1},
    Flow{"Lumina2Pipeline", "Lumina2Transformer2DModel", "AutoencoderKL", 1, {Text::language, 256, true, false, true, false, false, 0, 1}, 1024, 1024, 1},
    Flow{"WanPipeline", "WanTransformer3DModel", "AutoencoderKLWan", 1, {Text::t5, 512, true, false, true}, 832, 480, 81},
    Flow{"CogVideoXPipeline", "CogVideoXTransformer3DModel", "AutoencoderKLCogVideoX", 1, {Text::t5, 226, true, true, true}, 720, 480, 49},
};

std::shared_ptr<PipelinePart> read_component(Fields& c, const Document* library) {
  const std::string name = c.text({"_class_name"}, ""), type = c.text({"model_type"}, "");
  for (const ComponentClass& known : classes)
    if (known.name == name) return known.read(c);
  if (type == "clip_text_model" && made_for(c, "TextModel")) return read_clip_text(c);
  if (type == "clip_text_model" && made_for(c, "WithProjection")) return read_clip_text(c);
  if ((type == "t5" || type == "umt5") && made_for(c, "EncoderModel")) return read_t5_text(c);
  if (name.empty())
    if (std::shared_ptr<PipelinePart> reader = read_language_text(c, library)) return reader;
  if (name.empty() && has_inventory(*c.source(), library)) {
    auto held = std::make_shared<HeldPart>();
    held->inventory = read_inventory(c, *library);
    return held;
  }
  c.report(name.empty() ? "model_type" : "_class_name", "unsupported", text_of({quoted(name.empty() ? type : name), " is not computed yet"}));
  return nullptr;
}

}  // namespace

std::vector<double> read_counts(Fields& c, std::string_view name, double absent, std::size_t length, double most) {
  const Document* given = c.value({name});
  if (!given || !given->is(Document::Kind::list)) return std::vector<double>(length, c.count({name}, absent, 1, most));
  std::vector<double> counts;
  for (const Document& item : given->items()) {
    const double n = item.is(Document::Kind::number) ? item.number() : 0;
    if (!(n >= 1 && n <= most) || n != std::floor(n)) {
      c.report(name, "out-of-range", "must be a list of whole numbers");
      return std::vector<double>(length, absent);
    }
    counts.push_back(n);
  }
  if (counts.size() != length) c.report(name, "contradiction", text_of({"must have ", number_text(static_cast<double>(length)), " entries"}));
  counts.resize(length, absent);
  return counts;
}

std::shared_ptr<const Pipeline> read_pipeline(Fields& config, const Document* library) {
  auto p = std::make_shared<Pipeline>();
  p->class_name = config.text({"_class_name"}, "");
  const Document* components = config.value({"components"});
  if (!components || !components->is(Document::Kind::record) || components->members().empty()) {
    config.report("components", "missing", "must hold the config.json of every component, named as in model_index.json");
    return p;
  }
  std::string denoiser, decoder;
  double made_for_latents = 64;
  for (const auto& [name, fields] : components->members()) {
    Fields c(&fields, config.path() + ".components." + name, config.issues());
    if (!fields.is(Document::Kind::record)) {
      c.report("", "wrong-type", "must be the fields of a config.json");
      continue;
    }
    const std::shared_ptr<PipelinePart> part = read_component(c, library);
    if (!part) continue;
    part->component = name;
    p->parts.push_back(part);
    const PipelinePart* raw = part.get();
    using Role = PipelinePart::Role;
    if (part->role == Role::text) p->encoders.push_back(static_cast<const TextEncoder*>(raw));
    if (part->role == Role::denoiser && !p->denoiser) {
      p->denoiser = static_cast<const Denoiser*>(raw);
      denoiser = c.text({"_class_name"}, "");
      made_for_latents = denoiser == "UNet2DConditionModel" ? c.count({"sample_size"}, 64, 1, most_width) : made_for_latents;
    }
    if (part->role == Role::decoder) {
      p->decoder = static_cast<const LatentDecoder*>(raw);
      decoder = c.text({"_class_name"}, "");
    }
  }
  std::sort(p->encoders.begin(), p->encoders.end(), [](const TextEncoder* a, const TextEncoder* b) { return a->component < b->component; });
  for (const Flow& f : flows)
    if (f.pipeline == p->class_name && f.denoiser == denoiser && f.decoder == decoder && f.encoders == p->encoders.size()) {
      p->flow = f.flow;
      p->flow.step_each = f.pipeline == "WanPipeline" && config.flag({"expand_timesteps"}, false);
      p->width = f.width;
      p->height = f.height;
      p->frames = f.frames;
      // Source: [diffusers] pipelines/stable_diffusion/pipeline_stable_diffusion.py __call__: its size is what the UNet was made for
      if (f.pipeline == "StableDiffusionPipeline") p->width = p->height = std::min(made_for_latents, 1024.0) * p->decoder->shrinks;
    }
  return p;
}

}  // namespace gpumem
