// Images in prompts: how many, of which size, and what reads them.

#include <cmath>

#include "estimate/scenario.hpp"

namespace gpumem {
namespace {

/// [width, height] in whole pixels.
void read_image_size(Fields& f, ImageSize& size) {
  constexpr double most = 1 << 14;
  const Document* given = f.value({"imageSize"});
  if (!given) return;
  const auto side = [&](std::size_t i) {
    const Document& d = given->items()[i];
    return d.is(Document::Kind::number) && d.number() >= 1 && d.number() <= most && d.number() == std::floor(d.number()) ? d.number() : 0;
  };
  if (given->is(Document::Kind::list) && given->items().size() == 2) size.width = side(0), size.height = side(1);
  if (size.width == 0 || size.height == 0) f.report("imageSize", "wrong-type", "must be [width, height] in whole pixels, each at most 16384");
}

void say_tokens(const ImageReader& r, Scenario& s) {
  const std::string shape = text_of({r.views > 1 ? number_text(r.views) : "", r.views > 1 ? " views of " : "", number_text(r.width), " × ", number_text(r.height)});
  s.assumptions.push_back({"image-tokens", text_of({"Each image is read as ", shape, " pixels and takes ", number_text(r.tokens), " of the promptTokens",
                                                    r.tokens > r.rows() ? text_of({", ", number_text(r.rows()), " of them rows of the tower"}) : "", "."})});
}

}  // namespace

/// Source: [transformers] models/qwen2_vl/image_processing_qwen2_vl.py: what preprocessor_config.json says
void read_image_options(Fields& options, Scenario& s) {
  constexpr double most = 1 << 28;
  for (const auto& [name, place] : {std::pair{"min_pixels", &s.image_size.fewest}, std::pair{"max_pixels", &s.image_size.most}}) {
    if (!options.value({name})) continue;
    *place = options.count({name}, 1, 1, most);
    s.engine_options.set(name, *place);
  }
}

namespace {

bool knows_images(Fields& f, const Scenario& s) {
  const Document* type = s.config ? s.config->find("model_type") : nullptr;
  if (type && type->is(Document::Kind::text) && reads_images(type->text())) return true;
  std::string known;
  for (const std::string_view one : image_types()) add_word(known, one);
  f.report("images", "unsupported", text_of({"images are computed for models of the types ", known, " so far"}));
  return false;
}

}  // namespace

namespace {

/// Engines with a pool keep an image's tokens in it as they do any other; what reads the images is measured before the
/// pool is taken (vLLM), or runs in what is left of the device (SGLang).
void read_served_images(Fields& f, Scenario& s) {
  InferenceScenario& i = s.inference;
  if (s.engine != "vllm" && s.engine != "sglang") return f.report("images", "unsupported", text_of({"images are not computed yet under ", s.engine, "; they are under transformers, vllm and sglang"}));
  const Document* limits = s.engine_options.find("limit_mm_per_prompt");
  if (const Document* most = limits ? limits->find("image") : nullptr; most && most->number() < i.images)
    return f.report("images", "contradiction", text_of({"limit_mm_per_prompt lets ", number_text(most->number()), " into one prompt"}));
  read_image_size(f, s.image_size);
  Fields config(s.config, "model.config", f.issues());
  const SeeingModel model = read_seeing_model(config, s.image_size, s.assumptions);
  if (!f.issues().empty()) return;
  const ImageReader& r = model.images;
  const bool own = s.image_size.width == 0;
  i.image_width = own ? r.width : s.image_size.width;
  i.image_height = own ? r.height : s.image_size.height;
  if (const double taken = i.images * r.tokens; taken > i.prompt_tokens)
    return f.report("promptTokens", "contradiction", text_of({"the images alone take ", number_text(taken), " tokens of each prompt"}));
  say_tokens(r, s);
  if (s.engine == "sglang") s.assumptions.push_back({"images-in-reserve", "What reads the images runs in the memory that mem_fraction_static leaves free; it is not counted."});
}

}  // namespace

void read_prompt_images(Fields& f, Scenario& s) {
  InferenceScenario& i = s.inference;
  const double images = f.count({"images"}, 0, 0, 1 << 16);
  if (s.model || s.inventory) i.images = images;   // an encoder of text reads its sequences once
  const bool sized = f.value({"imageSize"}) != nullptr;
  if (images == 0) {
    if (sized) s.assumptions.push_back({"ignored-field", "inference.imageSize does not apply without inference.images and was ignored."});
    return;
  }
  if (!knows_images(f, s)) return;
  if (s.engine != "transformers") return read_served_images(f, s);
  read_image_size(f, s.image_size);
  Fields config(s.config, "model.config", f.issues());
  SeeingModel model = read_seeing_model(config, s.image_size, s.assumptions);
  if (!f.issues().empty()) return;
  if (s.model) model.text.beside = s.model->beside;
  s.model = std::move(model.text);
  s.reader = std::move(model.images);
  const bool own = s.image_size.width == 0;   // echoed as asked for: a size that was cut into views would be cut otherwise
  i.image_width = own ? s.reader->width : s.image_size.width;
  i.image_height = own ? s.reader->height : s.image_size.height;
  if (!model.takes_flash && i.attention == "flash") {
    if (f.has("attention")) f.report("attention", "contradiction", "transformers refuses flash attention for this model: tokens of an image see each other both ways");
    i.attention = "sdpa";
  }
  const double taken = i.images * s.reader->tokens;
  if (taken > i.prompt_tokens)
    return f.report("promptTokens", "contradiction", text_of({"the images alone take ", number_text(taken), " tokens of each prompt"}));
  say_tokens(*s.reader, s);
}

/// The text's decoder takes the model's place before anything else of the training is read.
void read_training_images(Fields& f, Scenario& s) {
  TrainingScenario& t = s.training;
  t.images = f.count({"images"}, 0, 0, 1 << 16);
  const bool sized = f.value({"imageSize"}) != nullptr, said = f.value({"vision"}) != nullptr;
  if (t.images == 0) {
    if (sized || said) s.assumptions.push_back({"ignored-field", "training.imageSize and training.vision do not apply without training.images and were ignored."});
    return;
  }
  const std::string vision = f.word({"vision"}, "frozen", {"frozen", "projector", "trained"});
  t.vision = vision == "trained" ? "trained" : vision == "projector" ? "projector" : "frozen";
  if (!knows_images(f, s)) return;
  read_image_size(f, s.image_size);
  Fields config(s.config, "model.config", f.issues());
  SeeingModel model = read_seeing_model(config, s.image_size, s.assumptions);
  if (!f.issues().empty()) return;
  if (!can_be_trained(model.images))
    return f.report("images", "unsupported", "training on images is computed for towers of squares whose rows are projected one by one or averaged (LLaVA, PaliGemma, Gemma 3) so far");
  s.model = std::move(model.text);
  s.reader = std::move(model.images);
  t.sees_both_ways = !model.takes_flash;
  using Trained = ImageReader::Trained;
  s.reader->trained = t.vision == "trained" ? Trained::all : t.vision == "projector" ? Trained::projector : Trained::nothing;
  t.image_width = s.image_size.width > 0 ? s.image_size.width : s.reader->width;
  t.image_height = s.image_size.height > 0 ? s.image_size.height : s.reader->height;
}

/// With checkpoints the tower's patches ask for a gradient, frozen or not, and so its layers are run again.
/// Source: [transformers] modeling_utils.py PreTrainedModel.gradient_checkpointing_enable, enable_input_require_grads: of
/// every model within the model
void check_training_images(Fields& f, Scenario& s) {
  TrainingScenario& t = s.training;
  if (t.images == 0 || !s.reader) return;
  const bool adapters = t.method != "full";
  if (t.sees_both_ways && t.attention == "flash") {
    if (f.has("attention")) f.report("attention", "contradiction", "transformers refuses flash attention for this model: tokens of an image see each other both ways");
    t.attention = "sdpa";
  }
  if (t.method != "full" && t.method != "lora") f.report("images", "unsupported", text_of({"images are computed for the methods full and lora, not for ", t.method}));
  if (adapters && t.vision != "frozen") f.report("vision", "unsupported", "with adapters tower and projector are frozen; adapters are computed for the text part");
  if (s.engine != "torch") f.report("images", "unsupported", text_of({"training on images is computed under torch, not under ", s.engine}));
  if (t.checkpointing != "none" && t.checkpointing != "full") f.report("images", "unsupported", "are computed with checkpoints of whole layers, or none");
  if (t.rl) f.report("images", "unsupported", "are not computed for training by preferences or rewards");
  if (const double taken = t.images * s.reader->tokens; taken > t.sequence_tokens)
    f.report("sequenceTokens", "contradiction", text_of({"the images alone take ", number_text(taken), " tokens of each sequence"}));
  s.reader->checkpointed = t.checkpointing == "full";
  s.reader->tower.input.asks_gradient = s.reader->checkpointed;
  s.assumptions.push_back({"image-tokens", text_of({"Each image is read as ", number_text(s.reader->width), " × ", number_text(s.reader->height), " pixels and takes ",
                                                    number_text(s.reader->tokens), " of the sequenceTokens."})});
  if (t.vision == "frozen") s.assumptions.push_back({"frozen-vision", adapters ? "Adapters are in the text part alone; tower and projector are frozen." : "The tower and its projector are frozen; the text part is trained whole."});
}

}  // namespace gpumem
