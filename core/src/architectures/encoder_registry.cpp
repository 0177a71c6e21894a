// Which family with an encoder a config.json belongs to.

#include <array>

#include "architectures/encoder_architecture.hpp"

namespace gpumem {
namespace {

struct Family {
  std::string_view model_type;
  EncoderModel (*read)(Fields&);
};

constexpr std::array families = {
    Family{"bert", bert},
    Family{"roberta", roberta},
    Family{"xlm-roberta", roberta},
    Family{"camembert", roberta},
    Family{"distilbert", distilbert},
    Family{"electra", electra},
    Family{"modernbert", modernbert},
    Family{"vit", vit},
    Family{"dinov2", dinov2},
    Family{"whisper", whisper},
    Family{"bart", bart},
    Family{"mbart", mbart},
    Family{"pegasus", pegasus},
    Family{"m2m_100", m2m_100},
    Family{"t5", t5},
    Family{"mt5", mt5},
    Family{"resnet", resnet},
    Family{"clip", clip},
    Family{"clip_vision_model", clip_vision},
    Family{"clip_text_model", clip_text},
    Family{"siglip", siglip},
    Family{"siglip_vision_model", siglip_vision},
    Family{"siglip_text_model", siglip_text},
};

}  // namespace

bool made_for(Fields& c, std::string_view purpose) {
  const Document* classes = c.value({"architectures"});
  if (!classes || !classes->is(Document::Kind::list) || classes->items().empty()) return false;
  return classes->items().front().is(Document::Kind::text) && classes->items().front().text().ends_with(purpose);
}

std::vector<std::string_view> encoder_types() {
  std::vector<std::string_view> types;
  for (const Family& f : families) types.push_back(f.model_type);
  return types;
}

bool runs_encoder_class(Fields& c) {
  if (!c.has("architectures")) return true;
  if (made_for(c, "ForConditionalGeneration") || made_for(c, "ForMaskedLM") || made_for(c, "ForImageClassification")) return true;
  const std::string type = c.text({"model_type"}, "");
  const bool alone = type.ends_with("bert") || type.ends_with("roberta") || type == "vit" || type == "dinov2" || type == "electra" || type == "resnet" || type.starts_with("clip") || type.starts_with("siglip");   // no decoder beside it
  return alone && made_for(c, "Model") && !made_for(c, "LMHeadModel");
}

std::optional<EncoderModel> read_encoder_model(Fields& config) {
  const std::string type = config.text({"model_type"}, "");
  for (const Family& family : families)
    if (family.model_type == type) return family.read(config);
  return std::nullopt;
}

}  // namespace gpumem
