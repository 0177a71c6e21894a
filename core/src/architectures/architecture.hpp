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
/// All of those.
std::vector<std::string_view> programmed_types();

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
Decoder gpt_bigcode(Fields& config);
Decoder opt(Fields& config);
Decoder mixtral(Fields& config);
Decoder qwen2_moe(Fields& config);
Decoder qwen3_moe(Fields& config);
Decoder olmoe(Fields& config);
Decoder granitemoe(Fields& config);
Decoder phimoe(Fields& config);
Decoder gpt_oss(Fields& config);
Decoder glm4_moe(Fields& config);
Decoder minimax_m2(Fields& config);
Decoder ernie4_5_moe(Fields& config);
Decoder deepseek_v2(Fields& config);
Decoder deepseek_v3(Fields& config);
Decoder glm4_moe_lite(Fields& config);
Decoder youtu(Fields& config);
Decoder solar_open(Fields& config);
Decoder dots1(Fields& config);
Decoder exaone_moe(Fields& config);
Decoder hy_v3(Fields& config);
Decoder granitemoeshared(Fields& config);
Decoder hunyuan_moe(Fields& config);
Decoder granite(Fields& config);
Decoder smollm3(Fields& config);
Decoder seed_oss(Fields& config);
Decoder hunyuan_dense(Fields& config);
Decoder arcee(Fields& config);
Decoder internlm3(Fields& config);
Decoder ministral(Fields& config);
Decoder olmo(Fields& config);
Decoder olmo2(Fields& config);
Decoder olmo3(Fields& config);
Decoder exaone4(Fields& config);
Decoder cohere(Fields& config);
Decoder cohere2(Fields& config);
Decoder glm(Fields& config);
Decoder glm4(Fields& config);
Decoder ernie4_5(Fields& config);
Decoder helium(Fields& config);
Decoder starcoder2(Fields& config);
Decoder stablelm(Fields& config);
Decoder phi(Fields& config);
Decoder nemotron(Fields& config);
Decoder bloom(Fields& config);
Decoder gptj(Fields& config);
Decoder falcon(Fields& config);
Decoder mpt(Fields& config);
Decoder gpt_neo(Fields& config);
Decoder codegen(Fields& config);
Decoder xglm(Fields& config);
Decoder persimmon(Fields& config);
Decoder lfm2(Fields& config);
Decoder lfm2_moe(Fields& config);
Decoder mamba(Fields& config);
Decoder mamba2(Fields& config);
Decoder falcon_mamba(Fields& config);
Decoder bamba(Fields& config);
Decoder granitemoehybrid(Fields& config);
Decoder qwen3_next(Fields& config);
Decoder qwen3_5(Fields& config);
Decoder qwen3_5_moe(Fields& config);
Decoder qwen3_5_with_tower(Fields& config);
Decoder qwen3_5_moe_with_tower(Fields& config);
Decoder minimax(Fields& config);
Decoder jetmoe(Fields& config);
Decoder dbrx(Fields& config);
Decoder gemma3n(Fields& config);
Decoder gemma3n_text(Fields& config);
Decoder gemma4_text(Fields& config);
Decoder gemma4(Fields& config);
Decoder jamba(Fields& config);
Decoder nemotron_h(Fields& config);
Decoder falcon_h1(Fields& config);
Decoder exaone(Fields& config);
Decoder qwen(Fields& config);
Decoder internlm(Fields& config);
Decoder baichuan(Fields& config);
Decoder chatglm(Fields& config);
Decoder mimo(Fields& config);
Decoder deepseek(Fields& config);
Decoder arctic(Fields& config);
Decoder grok(Fields& config);
Decoder nemotron_nas(Fields& config);

}  // namespace gpumem
