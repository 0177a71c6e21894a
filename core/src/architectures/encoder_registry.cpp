// Which family with an encoder a config.json belongs to.

#include <array>

#include "architectures/common.hpp"
#include "architectures/encoder_architecture.hpp"

namespace gpumem {
namespace {

/// What of a family runs here beside its head for what it was made for: its encoder alone; that and a head for images; heads for
/// classes of text; a head that tells which tokens were replaced. Halves that share a table of tokens only if heads are tied to it.
enum class Runs { as_made, shares, alone, images, labels, discriminates };

struct Family {
  std::string_view model_type;
  EncoderModel (*read)(Fields&);
  Runs runs;
};

constexpr std::array families = {
    Family{"bert", bert, Runs::labels},
    Family{"roberta", roberta, Runs::labels},
    Family{"xlm-roberta", roberta, Runs::labels},
    Family{"camembert", roberta, Runs::labels},
    Family{"mpnet", mpnet, Runs::labels},
    Family{"distilbert", distilbert, Runs::labels},
    Family{"electra", electra, Runs::discriminates},
    Family{"modernbert", modernbert, Runs::labels},
    Family{"albert", albert, Runs::labels},
    Family{"deberta", deberta, Runs::labels},
    Family{"deberta-v2", deberta_v2, Runs::labels},
    Family{"gte", gte, Runs::labels},
    Family{"nomic_bert", nomic_bert, Runs::labels},
    Family{"eurobert", eurobert, Runs::alone},
    Family{"vit", vit, Runs::images},
    Family{"dinov2", dinov2, Runs::images},
    Family{"whisper", whisper, Runs::as_made},
    Family{"bart", bart, Runs::shares},
    Family{"mbart", mbart, Runs::shares},
    Family{"pegasus", pegasus, Runs::shares},
    Family{"m2m_100", m2m_100, Runs::shares},
    Family{"t5", t5, Runs::as_made},
    Family{"mt5", mt5, Runs::as_made},
    Family{"resnet", resnet, Runs::images},
    Family{"clip", clip, Runs::alone},
    Family{"clip_vision_model", clip_vision, Runs::alone},
    Family{"clip_text_model", clip_text, Runs::alone},
    Family{"siglip", siglip, Runs::alone},
    Family{"siglip_vision_model", siglip_vision, Runs::alone},
    Family{"siglip_text_model", siglip_text, Runs::alone},
    Family{"wav2vec2", wav2vec2, Runs::alone},
    Family{"hubert", hubert, Runs::alone},
    Family{"convnext", convnext, Runs::images},
    Family{"swin", swin, Runs::images},
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

namespace {

/// Parts that some models of a family have and its program does not.
bool has_more_parts(Fields& c) {
  return c.flag({"add_adapter"}, false) || c.flag({"conv_pos_batch_norm"}, false) || c.has("adapter_attn_dim");
}

}  // namespace

bool runs_encoder_class(Fields& c) {
  if (has_more_parts(c)) return false;
  if (!c.has("architectures") || made_for(c, "ForCTC")) return true;
  const std::string type = c.text({"model_type"}, "");
  const bool tied = c.flag({"tie_word_embeddings"}, true);
  if (made_for(c, "ForMaskedLM")) return tied;   // a head apart has a second bias
  for (const Family& f : families) {
    if (f.model_type != type) continue;
    if (made_for(c, "ForConditionalGeneration")) return tied || f.runs != Runs::shares;
    if (f.runs <= Runs::shares) continue;
    if (f.runs == Runs::images && made_for(c, "ForImageClassification")) return true;
    if (f.runs == Runs::discriminates && made_for(c, "ForPreTraining")) return true;
    if (f.runs >= Runs::labels && (made_for(c, "ForSequenceClassification") || made_for(c, "ForTokenClassification"))) return true;
    return made_for(c, "Model") && !made_for(c, "LMHeadModel");
  }
  return false;
}

double count_labels(Fields& c) {
  const Document* labels = c.value({"id2label"});
  const double named = labels && labels->is(Document::Kind::record) ? static_cast<double>(labels->members().size()) : 2;
  return c.count({"num_labels"}, named, 1, most_vocabulary);
}

bool give_labels(Fields& c, EncoderModel& m, const LabelHead& whole) {
  const bool each = made_for(c, "ForTokenClassification");
  if (!each && !made_for(c, "ForSequenceClassification")) return false;
  m.head = {};
  m.head.kind = Head::Kind::labels;
  m.head.classes = count_labels(c);
  m.head.labels = whole;
  if (!each) return true;
  LabelHead& head = m.head.labels;
  head.row = LabelHead::Row::each;
  head.pooled = false;
  return true;
}

std::optional<EncoderModel> read_encoder_model(Fields& config) {
  const std::string type = config.text({"model_type"}, "");
  for (const Family& family : families)
    if (family.model_type == type) return family.read(config);
  return std::nullopt;
}

}  // namespace gpumem
