#pragma once
// From the fields of a config.json to a model.

#include "architectures/fields.hpp"
#include "layers/decoder.hpp"

namespace gpumem {

struct Assumption {
  std::string id, message;
};

/// Whether that model type has a program of its own below.
bool has_program(std::string_view model_type);

/// Reads a Hugging Face config.json. What is wrong with it goes to the issues of `config`, what had to be assumed to
/// `assumptions`; the model is of use only if there are no issues.
Decoder read_model(Fields& config, std::vector<Assumption>& assumptions);

// One function a family; each reads the fields its configuration class documents, with that class's defaults.
Decoder llama(Fields& config);
Decoder mistral(Fields& config);
Decoder qwen2(Fields& config);
Decoder qwen3(Fields& config);
Decoder phi3(Fields& config);
Decoder gemma(Fields& config);
Decoder gemma2(Fields& config);
Decoder gemma3_text(Fields& config);
Decoder gemma3(Fields& config);
Decoder gpt2(Fields& config);
Decoder gpt_neox(Fields& config);
Decoder opt(Fields& config);

}  // namespace gpumem
