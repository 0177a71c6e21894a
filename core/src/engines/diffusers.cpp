#include "engines/diffusers.hpp"

#include <algorithm>

#include "layers/diffusion/parts.hpp"

namespace gpumem {
namespace {

using Text = PipelineFlow::Text;

struct Runner {
  Machine& m;
  const Pipeline& p;
  const PipelinePlan& plan;
  std::vector<Value> buffers;
  std::vector<std::pair<std::size_t, std::size_t>> rows;   ///< the parameters of each component
  Value given;                                             ///< latents of an image
  const PipelinePart* resident = nullptr;                  ///< the one on the device, where they take turns

  [[nodiscard]] bool guided() const { return p.flow.guided && plan.guided; }

  [[nodiscard]] const Format* format_of(const PipelinePart& part) const { return &part == p.decoder ? plan.decoder : plan.weights; }

  [[nodiscard]] std::size_t place_of(const PipelinePart& part) const {
    return static_cast<std::size_t>(std::find_if(p.parts.begin(), p.parts.end(), [&](const auto& other) { return other.get() == &part; }) - p.parts.begin());
  }

  /// Everything asked for from here on belongs to that component.
  void begin(const PipelinePart& part) {
    m.begin_layer(static_cast<int>(place_of(part)));
    m.weight_format = format_of(part);
    if (plan.one_by_one && !m.declaring && !rows.empty()) take_turn(part);
  }

  void hold_all(const PipelinePart& part, double sign) {
    const auto [first, end] = rows[place_of(part)];
    for (std::size_t i = first; i < end; ++i) hold(Component::weights, m.parameters.rows[i], m.parameters.rows[i].format, sign * m.parameters.rows[i].copies);
  }

  void leave() {
    if (!resident) return;
    while (!buffers.empty()) buffers.pop_back();
    hold_all(*resident, -1);
    resident = nullptr;
  }

  /// The one before goes back to main memory first.
  /// Source: [accelerate] hooks.py CpuOffload.pre_forward; [diffusers] pipelines/pipeline_utils.py enable_model_cpu_offload
  void take_turn(const PipelinePart& part) {
    if (resident == &part || place_of(part) >= rows.size()) return;
    leave();
    resident = &part;
    hold_all(part, 1);
    for (Value& held : part.buffers(m)) buffers.push_back(std::move(held));
  }

  void hold(Component component, const Parameter& row, const Format* format, double copies) {
    m.memory.add_bulk({component, row.layer, row.scope, row.name, row.shape, format, copies});
  }

  void declare() {
    for (const auto& part : p.parts) {
      begin(*part);
      const std::size_t first = m.parameters.rows.size();
      m.declaring = true;
      part->declare(m);
      m.declaring = false;
      rows.push_back({first, m.parameters.rows.size()});
      if (plan.one_by_one) continue;
      for (std::size_t i = first; i < m.parameters.rows.size() && !plan.module_by_module; ++i)
        hold(Component::weights, m.parameters.rows[i], m.parameters.rows[i].format, m.parameters.rows[i].copies);
      begin(*part);
      for (Value& held : part->buffers(m)) buffers.push_back(std::move(held));
    }
  }

  Value ids(double tokens) { return m.allocate({plan.images, tokens}, int64, "token ids"); }

  TextStates encode(std::size_t i, double tokens, bool every) {
    begin(*p.encoders[i]);
    const Value read = ids(tokens);
    return p.encoders[i]->encode(m, read, p.flow.masked, every);
  }

  Value joined(const std::vector<Value>& halves, const char* label) {
    Shape shape = halves.front()->shape;
    shape[0] *= static_cast<double>(halves.size());
    return m.allocate(shape, halves.front()->format, label);
  }

  [[nodiscard]] double prompt_tokens() const { return plan.prompt_tokens > 0 ? plan.prompt_tokens : p.flow.prompt_tokens; }

  /// The rows of the prompt itself, copied.
  Value words_of(const TextStates& read) {
    const Value& states = p.flow.layers_back < 0 ? read.last : read.states[read.states.size() - 1 - static_cast<std::size_t>(p.flow.layers_back)];
    if (p.flow.layers_back < 0) return states;
    return shaped(m, states, {plan.images, prompt_tokens(), states->shape[-1]}, "prompt");
  }

  struct Prompt {
    std::vector<Value> text;
    Value pooled;
  };

  /// Source: [diffusers] pipelines/stable_diffusion/pipeline_stable_diffusion.py encode_prompt, and those of the others
  Prompt encode_prompts() {
    constexpr double clip_tokens = 77;
    m.memory.ledger.enter("text-encode", 0);
    Prompt made;
    std::vector<Value> texts, pools;
    TextStates one, two;
    if (p.flow.text == Text::clip_and_t5) {
      made.pooled = encode(0, clip_tokens, false).pooled;
      made.text.push_back(encode(1, p.flow.prompt_tokens, false).last);
      return made;
    }
    Value mask;
    if (p.flow.masked) mask = m.allocate({plan.images, p.flow.template_tokens + prompt_tokens()}, int64, "mask");
    if (p.flow.text == Text::language_and_clip) {
      made.text.push_back(words_of(encode(0, p.flow.template_tokens + prompt_tokens(), true)));
      made.pooled = encode(1, clip_tokens, false).pooled;
      return made;
    }
    for (int prompt = 0; prompt < (guided() ? 2 : 1); ++prompt) {
      if (p.flow.text == Text::clip) texts.push_back(encode(0, clip_tokens, false).last);
      if (p.flow.text == Text::language) texts.push_back(words_of(encode(0, p.flow.template_tokens + prompt_tokens(), p.flow.layers_back >= 0)));
      if (p.flow.text == Text::t5) texts.push_back(encode(0, p.flow.prompt_tokens, false).last);
      if (p.flow.text != Text::clip_twice && p.flow.text != Text::three) continue;
      one = encode(0, clip_tokens, true);
      two = encode(1, clip_tokens, true);
      Value text = shaped(m, one.before_last, one.before_last->shape.with_last(p.encoders[0]->hidden + p.encoders[1]->hidden), "prompt");
      if (p.flow.text == Text::three) {
        // The first two encoders' states are padded to the width of the third's and put before them.
        const Value t5 = encode(2, p.flow.prompt_tokens, false).last;
        text = shaped(m, text, text->shape.with_last(t5->shape[2]), "prompt, padded");
        texts.push_back(glued_rows(m, text, t5, "prompt"));
        pools.push_back(shaped(m, two.pooled, {plan.images, one.pooled->shape[1] + two.pooled->shape[1]}, "pooled"));
        one = two = {};
        continue;
      }
      pools.push_back(two.pooled);
      texts.push_back(std::move(text));
    }
    if (!p.flow.joined || !guided()) {
      if (!pools.empty()) made.pooled = pools.front();
      made.text = std::move(texts);
      return made;
    }
    made.text.push_back(joined(texts, "prompts"));
    if (!pools.empty()) made.pooled = joined(pools, "pooled prompts");
    return made;
  }

  [[nodiscard]] Shape image_latents() const {
    const LatentDecoder& d = *p.decoder;
    const double height = plan.height / d.shrinks, width = plan.width / d.shrinks, frames = (plan.frames - 1) / d.shrinks_time + 1;
    if (d.shrinks_time <= 1) return {plan.images, d.latent_channels, height, width};
    if (p.denoiser->frames_first) return {plan.images, frames, d.latent_channels, height, width};
    return {plan.images, d.latent_channels, frames, height, width};
  }
  /// Some denoisers take four latents for one, row by row.
  [[nodiscard]] Shape latent_shape() const {
    const Shape image = image_latents();
    if (!p.denoiser->packed) return image;
    const double each = p.denoiser->patch * p.denoiser->patch;
    const double frames = p.decoder->shrinks_time > 1 ? image[2] : 1;
    return {plan.images, frames * image[-2] * image[-1] / each, image[1] * each};
  }

  /// Latents with those of an image that is given.
  Value with_image(const Value& latents) {
    if (!given) return latents;
    Shape shape = latents->shape;
    const bool beside = p.flow.image == PipelineFlow::Image::beside;
    shape[beside ? 2 : 1] += given->shape[beside ? 2 : 1];
    return shaped(m, latents, shape, "latents with the image's");
  }

  Value denoise(const Value& bare, const Prompt& prompt) {
    begin(*p.denoiser);
    const Value latents = with_image(bare);
    const bool both = guided() && p.flow.joined;
    DenoiserInput in;
    in.latents = both ? joined({latents, latents}, "latents, twice") : latents;
    in.batch = plan.images * (both ? 2 : 1);
    in.text = prompt.text.front();
    in.pooled = prompt.pooled;
    in.height = plan.height / p.decoder->shrinks;
    in.width = plan.width / p.decoder->shrinks;
    in.step_each = p.flow.step_each;
    const double tokens_each = in.step_each ? latents->shape[2] * latents->shape[3] / p.denoiser->patch * latents->shape[4] / p.denoiser->patch : 1;
    const Value timesteps = m.allocate({in.batch, tokens_each}, fp32, "timesteps");
    const Value sizes = p.flow.text == Text::clip_twice ? m.allocate({in.batch, 6}, m.weight_format, "sizes") : Value();
    if (guided() && !p.flow.joined) {
      in.latents = m.cast(latents, m.weight_format);
      Value with = p.denoiser->predict(m, in);
      begin(*p.denoiser);
      in.text = prompt.text.back();
      const Value without = p.denoiser->predict(m, in);
      {
        const Value difference = m.scale(m.subtract(with, without));
        with = m.add(without, difference);
      }
      const Value small = m.scale(with);
      return m.subtract(bare, small);
    }
    in.latents = m.cast(std::move(in.latents), m.weight_format);
    Value predicted = p.denoiser->predict(m, in);
    if (both) {
      const Value difference = alike(m, latents, "difference");
      const Value scaled = alike(m, latents, "scaled difference");
      predicted = alike(m, latents, "guided");
    }
    const Value step = m.scale(m.view(predicted, bare->shape));
    return m.subtract(bare, step);
  }

  void decode(const Value& latents) {
    begin(*p.decoder);
    Value z = latents;
    if (p.denoiser->packed) {
      z = m.allocate(image_latents(), latents->format, "latents, unpacked");
      z = m.scale(z, "scaled latents");
      z = m.add_number(z, "shifted latents");
      z = m.cast(z, m.weight_format);
    } else {
      if (p.denoiser->frames_first) z = m.view(z, {z->shape[0], z->shape[2], z->shape[1], z->shape[3], z->shape[4]});
      z = m.cast(z, m.weight_format);
      z = m.scale(z, "scaled latents");
    }
    Value image = decode_image(m, *p.decoder, z, plan.decoding);
    image = m.add_number(m.scale(image));
    image = m.clamp(image);
  }

  /// The whole decoder in fp32, from here on: what that takes more than its weights at rest is work in progress.
  void widen_decoder() {
    const std::size_t place = place_of(*p.decoder);
    for (std::size_t i = rows[place].first; i < rows[place].second; ++i) {
      const Parameter& row = m.parameters.rows[i];
      hold(Component::workspace, row, row.format, -1);
      hold(Component::workspace, row, fp32, 1);
    }
  }

  void run() {
    declare();
    m.memory.ledger.enter("load", 0);
    if (!p.runs()) return;
    // Source: [accelerate] hooks.py AlignDevicesHook: a module's own parameters are there while its forward runs
    m.fetched_for_use = plan.module_by_module;
    const Prompt prompt = encode_prompts();
    leave();
    m.memory.ledger.enter("denoise", static_cast<int>(p.parts.size()));
    Value latents = m.allocate(latent_shape(), p.decoder->wide_latents || p.denoiser->wide_latents ? fp32 : plan.weights, "latents");
    if (p.flow.image != PipelineFlow::Image::none) {
      Shape shape = latents->shape;
      if (p.flow.image == PipelineFlow::Image::beside) shape[2] = p.denoiser->in_channels - shape[2];
      given = m.allocate(shape, latents->format, "latents of the image");
    }
    for (int step = 0; step < 2; ++step) latents = denoise(latents, prompt);
    leave();
    PipelinePlan wide = plan;
    const bool widened = p.flow.upcasts_decoder && p.decoder->upcast && plan.decoder == fp16;
    if (widened) {
      wide.decoder = fp32;
      if (!plan.module_by_module) widen_decoder();
    }
    m.memory.ledger.enter("vae-decode", static_cast<int>(p.parts.size()));
    if (plan.one_by_one) begin(*p.decoder);
    wide.one_by_one = false;
    Runner{m, p, wide, {}, {}, {}, nullptr}.decode(latents);
  }
};

}  // namespace

PipelineFacts run_pipeline(Machine& m, const Pipeline& pipeline, const PipelinePlan& plan) {
  Runner runner{m, pipeline, plan, {}, {}, {}, nullptr};
  runner.run();
  return {runner.rows.empty() ? 0 : runner.rows.back().second};
}

}  // namespace gpumem
