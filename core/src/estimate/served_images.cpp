#include "estimate/served_images.hpp"

#include <algorithm>
#include <cmath>

namespace gpumem {
namespace {

bool asked(const Scenario& s, std::string_view option) {
  const Document* given = s.engine_options.find(option);
  return given && given->truth();
}

/// Images of one prompt. Source: [vllm] vllm/config/multimodal.py MultiModalConfig.get_limit_per_prompt
double most_images(const Scenario& s) {
  constexpr double usual = 999;
  const Document* limits = s.engine_options.find("limit_mm_per_prompt");
  const Document* images = limits ? limits->find("image") : nullptr;
  return images ? images->number() : usual;
}

/// Videos are read by the same tower; which of both is measured depends on how many frames the processor takes.
bool reads_videos(const Scenario& s, const ImageReader& r) {
  return r.positions_by_sequence || r.projector == ImageReader::Projector::shuffled || s.config->find("video_token_id") || s.config->find("video_token_index");
}

/// Source: [vllm] vllm/multimodal/encoder_budget.py MultiModalBudget._get_max_items
double images_at_once(const Scenario& s, const ImageReader& r) {
  const double budget = std::max(s.serving.batched_tokens, r.tokens);
  const double of_prompt = std::max(1.0, std::min(most_images(s), std::floor(s.serving.longest / r.tokens)));
  return std::max(1.0, std::min(std::floor(budget / r.tokens), s.serving.requests * of_prompt));
}

/// The tower's own peak, its pixels among it; its weights lie elsewhere.
Parts tower_peak(const Scenario& s, ImageReader reader, double images) {
  for (DecoderLayer& l : reader.tower.layers) l.mlp.width = std::ceil(l.mlp.width / s.serving.ranks);
  constexpr int place = 1;
  Machine m;
  m.weight_format = s.weight_format();
  m.declaring = true;
  read_images(m, reader, 1, pixels_of(m, reader, 1), AttentionKernel::flash, place);
  m.declaring = false;
  m.memory.ledger.enter("encode", place);
  std::vector<Value> held = image_buffers(m, reader);
  const Value pixels = pixels_of(m, reader, images);
  SeenImages seen = read_images(m, reader, images, pixels, AttentionKernel::flash, place);
  const Parts parts = m.memory.ledger.stretches().back().parts;
  let_go(seen.held);
  let_go(held);
  return parts;
}

}  // namespace

std::optional<SeeingModel> profiled_model(Scenario& s) {
  const Document* type = s.config ? s.config->find("model_type") : nullptr;
  if (s.engine != "vllm" || s.model || !type || !type->is(Document::Kind::text) || !reads_images(type->text())) return std::nullopt;
  constexpr double largest = 1 << 14;   // pixels to a side: whatever the processor makes of it
  std::vector<Issue> told;
  std::vector<Assumption> said;
  Fields config(s.config, "model.config", told);
  SeeingModel model = read_seeing_model(config, {largest, largest, 0, 0}, said);
  if (!told.empty()) return std::nullopt;
  if (reads_videos(s, model.images))
    s.assumptions.push_back({"images-unprofiled", "What the measured step holds of images and videos is not counted: the pool of a given device is at most this."});
  return model;
}

Parts with_profiled_images(const Scenario& s, const SeeingModel& model, const Parts& step) {
  const ImageReader& r = model.images;
  if (asked(s, "skip_mm_profiling") || most_images(s) == 0 || r.tokens <= 0 || reads_videos(s, r)) return step;
  const double images = images_at_once(s, r);
  Parts held = step;
  held[Component::activations] += stored_bytes(elements(images * r.tokens * r.text_width), *s.weight_format());
  const Parts tower = tower_peak(s, r, images);
  return tower.sum() > held.sum() ? tower : held;
}

}  // namespace gpumem
