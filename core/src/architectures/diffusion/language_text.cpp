// Language models that read a pipeline's prompt.

#include "layers/diffusion/language_text.hpp"

#include <algorithm>
#include <array>

#include "architectures/architecture.hpp"
#include "architectures/diffusion/pipeline.hpp"
#include "architectures/encoder_architecture.hpp"
#include "architectures/inventory.hpp"

namespace gpumem {
namespace {

constexpr std::array<std::string_view, 8> plain = {"gemma", "gemma2", "llama", "mistral", "qwen2", "qwen3", "gemma3_text", "smollm3"};

/// Language models that also see: their text model, and the tower as weights.
struct Seeing {
  std::string_view type, tower;
  Decoder (*text)(Fields&);
};
constexpr std::array seeing = {
    Seeing{"qwen2_5_vl", "visual.", qwen2},
};

Decoder text_of_seeing(Fields& c, const Seeing& kind) {
  if (!c.has("text_config")) return kind.text(c);
  Fields text = c.record("text_config");
  return kind.text(text);
}

}  // namespace

std::shared_ptr<PipelinePart> read_language_text(Fields& c, const Document* library) {
  const std::string type = c.text({"model_type"}, "");
  auto t = std::make_shared<LanguageTextEncoder>();
  const auto kind = std::find_if(seeing.begin(), seeing.end(), [&](const Seeing& k) { return k.type == type; });
  if (kind != seeing.end() && has_inventory(*c.source(), library)) {
    t->model = text_of_seeing(c, *kind);
    for (const HeldTensor& held : read_inventory(c, *library).tensors)
      if (held.name.find(kind->tower) != std::string::npos) t->beside.push_back({held.name, held.shape, held.copies});
  } else if (std::find(plain.begin(), plain.end(), type) != plain.end()) {
    std::vector<Assumption> unused;
    t->model = read_model(c, unused);
  } else {
    return nullptr;
  }
  t->hidden = t->model.hidden;
  t->makes_logits = made_for(c, "ForCausalLM") || made_for(c, "ForConditionalGeneration");
  return t;
}

}  // namespace gpumem
