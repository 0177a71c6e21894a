#pragma once
// Families with an encoder, from the fields of their config.json.

#include <optional>

#include "architectures/architecture.hpp"
#include "layers/encoder_model.hpp"

namespace gpumem {

/// The model, if its type is one with an encoder; what is wrong with it goes to the issues of `config`.
std::optional<EncoderModel> read_encoder_model(Fields& config);

/// Model types with a program of theirs.
std::vector<std::string_view> encoder_types();

/// Whether the class that the config names is one these programs run; others have heads of their own.
bool runs_encoder_class(Fields& config);

/// What the first of the config's `architectures` is made for, by the end of its name.
bool made_for(Fields& config, std::string_view purpose);

/// How many classes the config names: `num_labels`, else those of `id2label`, else two.
double count_labels(Fields& config);

/// A head for classes where the config's class has one: each token's, or one of the whole text as `whole` says.
bool give_labels(Fields& config, EncoderModel& model, const LabelHead& whole);

/// A list of whole numbers, none of them zero.
std::vector<double> read_numbers(Fields& config, std::string_view name, std::vector<double> absent);

EncoderModel bert(Fields& config);
EncoderModel roberta(Fields& config);
EncoderModel mpnet(Fields& config);
EncoderModel distilbert(Fields& config);
EncoderModel modernbert(Fields& config);
EncoderModel electra(Fields& config);
EncoderModel albert(Fields& config);
EncoderModel deberta(Fields& config);
EncoderModel deberta_v2(Fields& config);
EncoderModel gte(Fields& config);
EncoderModel nomic_bert(Fields& config);
EncoderModel eurobert(Fields& config);
EncoderModel vit(Fields& config);
EncoderModel dinov2(Fields& config);
EncoderModel whisper(Fields& config);
EncoderModel bart(Fields& config);
EncoderModel mbart(Fields& config);
EncoderModel pegasus(Fields& config);
EncoderModel m2m_100(Fields& config);
EncoderModel t5(Fields& config);
EncoderModel mt5(Fields& config);
EncoderModel resnet(Fields& config);
EncoderModel clip(Fields& config);
EncoderModel clip_vision(Fields& config);
EncoderModel clip_text(Fields& config);
EncoderModel siglip(Fields& config);
EncoderModel siglip_vision(Fields& config);
EncoderModel siglip_text(Fields& config);
EncoderModel wav2vec2(Fields& config);
EncoderModel hubert(Fields& config);
EncoderModel convnext(Fields& config);
EncoderModel swin(Fields& config);

}  // namespace gpumem
