// What a request says of a diffusion pipeline.

#include "estimate/diffusion.hpp"

#include <algorithm>

#include "architectures/common.hpp"
#include "architectures/diffusion/pipeline.hpp"

namespace gpumem {

void read_pipeline_model(Fields& config, const Document& facts, Scenario& s) {
  s.pipeline = read_pipeline(config, facts.find("architectures"));
}

void read_pipeline_engine(Fields& request, Scenario& s) {
  s.engine = "diffusers";
  Fields engine = request.record("engine");
  const std::string name = engine.text({"name"}, s.engine);
  s.engine_version = engine.text({"version"}, "0.42");
  if (name != s.engine) engine.report("name", "unsupported", "pipelines are computed for diffusers");
  if (s.task == Task::training) request.report("task", "unsupported", "training of pipelines is not computed yet");
  const Format* format = s.plain() ? s.weight_format() : nullptr;
  if (format != fp32 && format != bf16 && format != fp16) request.report("weights", "unsupported", text_of({quoted(s.weights), " weights of a pipeline are not computed yet: fp32, bf16 or fp16"}));
  Fields options = engine.record("options");
  s.diffusion.slices = options.flag({"vae_slicing"}, false);
  s.diffusion.tiles = options.flag({"vae_tiling"}, false);
  s.diffusion.decoder_format = options.word({"vae_dtype"}, s.weights, {"fp32", "bf16", "fp16", s.weights});
  s.engine_options.set("vae_slicing", s.diffusion.slices);
  s.engine_options.set("vae_tiling", s.diffusion.tiles);
  s.engine_options.set("vae_dtype", s.diffusion.decoder_format);
  double offloads = 0;
  for (const std::string_view offload : {"enable_model_cpu_offload", "enable_sequential_cpu_offload"}) {
    const bool chosen = options.flag({offload}, false);
    if (options.has(offload)) s.engine_options.set(offload, chosen);
    offloads += chosen ? 1 : 0;
  }
  if (offloads > 1) options.report("enable_sequential_cpu_offload", "contradiction", "is another way to offload than enable_model_cpu_offload: one of them");
  constexpr double strongest = 1000;
  if (options.has("guidance_scale")) s.engine_options.set("guidance_scale", options.number({"guidance_scale"}, 1, 0, strongest));
  options.assume_ignored([&](std::string_view option) {
    s.assumptions.push_back({"ignored-option", text_of({"The engine option ", quoted(option), " is not known to this profile and was ignored."})});
  });
  engine.refuse_unknown();
}

namespace {

double tiles_of(const Scenario& s) {
  const LatentDecoder& d = *s.pipeline->decoder;
  const auto along = [&](double length, double tile, double overlap) {
    return std::ceil(length / d.shrinks / std::max(1.0, std::floor(tile / d.shrinks * (1 - overlap))));
  };
  const double images = s.diffusion.slices ? s.inference.sequences : 1;
  const double frames = std::ceil(s.diffusion.frames / d.shrinks_time);   // each a pass of its own
  return images * frames * along(s.diffusion.width, d.tile_width, d.overlap_width) * along(s.diffusion.height, d.tile_height, d.overlap_height);
}

}  // namespace

void read_pipeline_inference(Fields& f, Scenario& s) {
  const Pipeline& p = *s.pipeline;
  constexpr double longest = 1 << 15;
  s.inference.sequences = f.count({"sequences"}, 1, 1, 1 << 12);
  s.diffusion.width = f.count({"width"}, p.width, 8, longest);
  s.diffusion.height = f.count({"height"}, p.height, 8, longest);
  s.diffusion.frames = f.count({"frames"}, p.frames, 1, longest);
  const double step = p.decoder && p.denoiser ? p.decoder->shrinks * p.denoiser->patch : 8;
  for (const auto& [name, length] : {std::pair("width", s.diffusion.width), std::pair("height", s.diffusion.height)})
    if (std::fmod(length, step) != 0) f.report(name, "not-divisible", text_of({"must be a multiple of ", number_text(step)}));
  const double every = p.decoder ? p.decoder->shrinks_time : 1;
  if (std::fmod(s.diffusion.frames - 1, every) != 0) f.report("frames", "not-divisible", text_of({"must be one more than a multiple of ", number_text(every)}));
  if (every <= 1 && s.diffusion.frames > 1) f.report("frames", "contradiction", "this pipeline makes images: one frame");
  if (p.decoder && s.diffusion.tiles && tiles_of(s) > 4096) f.report("width", "out-of-range", "takes more tiles than can be counted");
  if (p.flow.any_length) s.inference.prompt_tokens = f.count({"promptTokens"}, p.flow.prompt_tokens, 1, 1 << 14);
  s.inference.attention = f.word({"attention"}, "flash", {"flash", "sdpa", "eager"});
  if (s.inference.attention == "eager") f.report("attention", "unsupported", "pipelines are computed with fused attention");
  for (const std::string_view name : {"contextTokens", "promptTokens", "prefillTokens", "kvFormat", "images", "imageSize", "memoryFraction", "cudaGraphs", "offload", "draft"})
    if (f.value({name}) && !(p.flow.any_length && std::string_view(name) == "promptTokens"))
      s.assumptions.push_back({"ignored-field", text_of({f.path(), ".", name, " does not apply to this estimate and was ignored."})});
  f.refuse_unknown();
}

Document pipeline_inference_document(const Scenario& s) {
  Document made = Document::record({{"sequences", s.inference.sequences},
                                    {"width", s.diffusion.width},
                                    {"height", s.diffusion.height},
                                    {"frames", s.diffusion.frames},
                                    {"attention", s.inference.attention}});
  if (s.pipeline->flow.any_length) made.append("promptTokens", s.inference.prompt_tokens);
  return made;
}

}  // namespace gpumem
