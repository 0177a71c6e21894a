// Which family a config.json belongs to.

#include <algorithm>
#include <array>

#include "architectures/common.hpp"
#include "machine/parts.hpp"

namespace gpumem {
namespace {

struct Family {
  std::string_view model_type;
  Decoder (*read)(Fields&);
};

/// Those that the engine of the first answer has: layers in the order `sequential` or `sandwich`, without experts;
/// attention whose projections are apart and whose heads turn as a whole.
constexpr std::array first_families = {
    Family{"llama", llama},         Family{"mistral", mistral},   Family{"qwen2", qwen2},
    Family{"qwen3", qwen3},         Family{"gemma", gemma},
    Family{"gemma2", gemma2},       Family{"gemma3_text", gemma3_text}, Family{"gemma3", gemma3},
};
constexpr std::array families = {
    Family{"phi3", phi3},
    Family{"gpt2", gpt2},           Family{"gpt_neox", gpt_neox}, Family{"opt", opt},
    Family{"mixtral", mixtral},     Family{"qwen2_moe", qwen2_moe}, Family{"qwen3_moe", qwen3_moe},
    Family{"olmoe", olmoe},         Family{"granitemoe", granitemoe}, Family{"phimoe", phimoe},
    Family{"gpt_oss", gpt_oss},     Family{"glm4_moe", glm4_moe}, Family{"minimax_m2", minimax_m2},
    Family{"ernie4_5_moe", ernie4_5_moe}, Family{"deepseek_v2", deepseek_v2}, Family{"deepseek_v3", deepseek_v3},
    Family{"kimi_k2", deepseek_v3}, Family{"glm4_moe_lite", glm4_moe_lite}, Family{"youtu", youtu}, Family{"solar_open", solar_open}, Family{"dots1", dots1},
    Family{"exaone_moe", exaone_moe}, Family{"hy_v3", hy_v3}, Family{"granitemoeshared", granitemoeshared},
    Family{"hunyuan_v1_moe", hunyuan_moe},
    Family{"granite", granite},
    Family{"smollm3", smollm3},
    Family{"seed_oss", seed_oss},
    Family{"hunyuan_v1_dense", hunyuan_dense},
    Family{"arcee", arcee},
    Family{"internlm3", internlm3},
    Family{"ministral", ministral},
    Family{"olmo", olmo},
    Family{"olmo2", olmo2},
    Family{"olmo3", olmo3},
    Family{"exaone4", exaone4},
    Family{"cohere", cohere},
    Family{"cohere2", cohere2},
    Family{"glm", glm},
    Family{"glm4", glm4},
    Family{"ernie4_5", ernie4_5},
    Family{"helium", helium},
    Family{"starcoder2", starcoder2},
    Family{"stablelm", stablelm},
    Family{"phi", phi},
    Family{"bloom", bloom},
    Family{"gptj", gptj},
    Family{"falcon", falcon},       Family{"mpt", mpt},           Family{"gpt_neo", gpt_neo},   Family{"codegen", codegen},
    Family{"xglm", xglm},           Family{"persimmon", persimmon},
    Family{"nemotron", nemotron},
    Family{"lfm2", lfm2},           Family{"lfm2_moe", lfm2_moe}, Family{"mamba2", mamba2},     Family{"falcon_h1", falcon_h1},
    Family{"mamba", mamba},         Family{"falcon_mamba", falcon_mamba}, Family{"bamba", bamba},
    Family{"granitemoehybrid", granitemoehybrid}, Family{"jamba", jamba}, Family{"nemotron_h", nemotron_h},
    Family{"qwen3_next", qwen3_next}, Family{"qwen3_5_text", qwen3_5}, Family{"qwen3_5_moe_text", qwen3_5_moe},
    Family{"qwen3_5", qwen3_5_with_tower}, Family{"qwen3_5_moe", qwen3_5_moe_with_tower},
    Family{"minimax", minimax},     Family{"dbrx", dbrx},         Family{"jetmoe", jetmoe},         Family{"gemma3n", gemma3n}, Family{"gemma3n_text", gemma3n_text}, Family{"gemma4_text", gemma4_text}, Family{"gemma4", gemma4},
    Family{"gpt_bigcode", gpt_bigcode},
    Family{"exaone", exaone},       Family{"qwen", qwen},         Family{"internlm", internlm}, Family{"internlm2", internlm},
    Family{"baichuan", baichuan},   Family{"chatglm", chatglm},   Family{"mimo", mimo},         Family{"deepseek", deepseek},
    Family{"arctic", arctic},       Family{"grok", grok},         Family{"nemotron-nas", nemotron_nas},
};

/// Fields that say a model is more than a plain decoder with a gated MLP.
constexpr std::array<std::string_view, 19> signs_of_more = {
    "num_local_experts", "num_experts",     "n_routed_experts",  "kv_lora_rank",      "q_lora_rank",   "text_config",
    "vision_config",     "audio_config",    "ssm_cfg",           "mamba_d_state",     "state_size",    "encoder_layers",
    "is_encoder_decoder", "linear_attn_config", "block_types",   "moe_intermediate_size", "hybrid_override_pattern", "conv_L_cache",
    "ssm_state_size"};

bool looks_plain(Fields& c) {
  const auto has = [&](std::string_view name) { return c.has(name); };
  for (const std::string_view sign : signs_of_more)
    if (const Document* d = c.source()->find(sign); d && !d->is(Document::Kind::null) && (d->kind() != Document::Kind::boolean || d->truth()))
      return false;
  return has("hidden_size") && has("intermediate_size") && has("num_hidden_layers") && has("num_attention_heads") &&
         has("vocab_size") && (has("rms_norm_eps") || has("num_key_value_heads"));
}

const Family* family_of(std::string_view model_type) {
  for (const Family& f : first_families)
    if (f.model_type == model_type) return &f;
  if (whole_engine)
    for (const Family& f : families)
      if (f.model_type == model_type) return &f;
  return nullptr;
}

}  // namespace

bool has_program(std::string_view model_type) { return family_of(model_type) != nullptr; }

std::vector<std::string_view> programmed_types() {
  std::vector<std::string_view> types;
  for (const Family& f : first_families) types.push_back(f.model_type);
  for (const Family& f : families) types.push_back(f.model_type);
  return types;
}

Decoder read_model(Fields& config, std::vector<Assumption>& assumptions) {
  const std::string type = config.text({"model_type"}, "");
  if (const Family* family = family_of(type)) return family->read(config);
  if (!whole_engine) {
    config.report("model_type", "part-not-loaded", "needs a part of the calculator that is not loaded");
    return {};
  }
  if (config.source() && looks_plain(config)) {
    assumptions.push_back({"unlisted-architecture",
                           text_of({"The model type ", quoted(type), " is not known here; its fields are those of a plain decoder with a gated MLP and "
                               "RMSNorm, and it is counted as one."})});
    return llama(config);
  }
  std::string known;
  for (const std::string_view one : programmed_types()) add_word(known, one);
  if (type.empty())
    config.report("model_type", "missing", text_of({"is needed to know the architecture; known: ", known}));
  else
    config.report("model_type", "unsupported", text_of({quoted(type), " is not supported yet; known: ", known}));
  return {};
}

}  // namespace gpumem
