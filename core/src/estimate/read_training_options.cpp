#include "architectures/common.hpp"
#include "estimate/scenario.hpp"

namespace gpumem {
namespace {

/// "4.48.1" → 4048; text that is no version counts as the newest.
int version_number(std::string_view text) {
  int parts[2] = {0, 0}, at = 0;
  bool digits = false;
  for (const char c : text) {
    if (c == '.' && at == 0) at = 1;
    else if (c >= '0' && c <= '9' && parts[at] < 1000) parts[at] = parts[at] * 10 + (c - '0'), digits = true;
    else break;
  }
  return digits ? parts[0] * 1000 + parts[1] : 1000 * 1000;
}

}  // namespace

/// Source: [fms-acceleration] foak/framework_plugin_fast_kernels.py; [peft] utils/other.py prepare_model_for_kbit_training
void read_training_options(Fields& options, Scenario& s) {
  TrainingScenario& t = s.training;
  t.loss.rows = options.count({"crossEntropyChunkTokens"}, 0, 1, most_tokens);
  const std::string version = options.text({"transformers_version"}, "5");
  t.transformers_version = version_number(version);
  t.loss.shift = shift_of_version(t.transformers_version);
  s.engine_options.set("transformers_version", version);
  if (const Document* loss = options.value({"fast_loss"})) {
    const bool fused = loss->is(Document::Kind::text) && loss->text() == "fused_ce_liger";
    const bool on = loss->is(Document::Kind::boolean) && loss->truth();
    if (fused || on) t.loss.kind = fused ? LossPlan::Kind::fused : LossPlan::Kind::in_place;
    else if (!loss->is(Document::Kind::boolean)) options.report("fast_loss", "unknown-word", "must be true, false or \"fused_ce_liger\"");
    s.engine_options.set("fast_loss", *loss);
  }
  const auto flag = [&](std::string_view name, bool& into) {
    if (!options.value({name})) return;
    into = options.flag({name}, false);
    s.engine_options.set(name, into);
  };
  // fms-acceleration's runs go through the Trainer, whose accelerator widens what a model gives back under autocast.
  // Source: [accelerate] utils/operations.py ConvertOutputsToFp32
  t.loss.outputs_in_fp32 = options.value({"framework_config"}) != nullptr;
  if (const Document* framework = options.value({"framework_config"})) s.engine_options.set("framework_config", *framework);
  if (whole_engine && s.litgpt) {   // Source: [litgpt] finetune/lora.py train
    t.loss.rows = options.count({"lm_head_chunk_size"}, 128, 1, most_tokens);
    s.engine_options.set("lm_head_chunk_size", t.loss.rows);
    flag("lora_query", t.lora.query);
    flag("lora_key", t.lora.key);
    flag("lora_value", t.lora.value);
  }
  flag("convert_outputs_to_fp32", t.loss.outputs_in_fp32);
  flag("fast_rms_layernorm", t.fused.norm);
  flag("fast_rope_embeddings", t.fused.rotary);
  flag("fused_lora", t.fused.adapters);
  flag("prepare_model_for_kbit_training", t.wide_norms);
  flag("offload_gradients", t.offload.gradients);   // of torchao's CPUOffloadOptimizer
}

/// Source: [pytorch-averaged] torch/optim/swa_utils.py AveragedModel
void read_average(Fields& training, Scenario& s) {
  s.training.averaged = training.flag({"averagedWeights"}, false);
  if (s.training.averaged && s.engine != "torch") training.report("averagedWeights", "unsupported", "a moving average of the weights is computed under torch");
  if (s.training.averaged)
    s.assumptions.push_back({"averaged-weights", "torch.optim.swa_utils.AveragedModel beside the model: a copy of all its parameters on the same card, in their format."});
}

/// The last position alone has logits from 4.45 on, unless `num_logits_to_keep` is 0 or the model's code does not know it;
/// until then each layer kept tables of sines and cosines for all positions.
/// Source: [transformers] models/llama and qwen2, 4.40 to 4.46
void read_generation_options(Fields& options, Scenario& s) {
  constexpr int last_alone = 4045, newest = 5000;
  const int version = version_number(s.engine_version);
  const bool named = options.value({"num_logits_to_keep"}) != nullptr;
  const double kept = options.count({"num_logits_to_keep"}, version < last_alone ? 0 : 1, 0, most_tokens);
  s.inference.all_logits = kept == 0 && version < newest;
  s.inference.own_tables = version < last_alone;
  if (named) s.engine_options.set("num_logits_to_keep", kept);
  // Source: [transformers] generation/configuration_utils.py num_assistant_tokens
  constexpr double usual_draft = 20, most_drafted = 1 << 10;
  s.draft_tokens = usual_draft;
  if (!options.value({"num_assistant_tokens"})) return;
  s.draft_tokens = options.count({"num_assistant_tokens"}, usual_draft, 1, most_drafted);
  s.engine_options.set("num_assistant_tokens", s.draft_tokens);
}

/// Source: [pytorch-cuda-allocator] c10/core/AllocatorConfig.h
void read_allocator_options(Fields& options, Scenario& s) {
  if (options.value({"expandable_segments"})) {
    s.allocator.expandable = options.flag({"expandable_segments"}, false);
    s.engine_options.set("expandable_segments", s.allocator.expandable);
  }
  if (options.value({"max_split_size_mb"})) {
    constexpr double least = 21, most = 1 << 20;   // it has to be more than a segment of the pool for medium sizes
    const double size = options.count({"max_split_size_mb"}, least, least, most);
    s.allocator.max_split = size * 1024 * 1024;
    s.engine_options.set("max_split_size_mb", size);
  }
}

}  // namespace gpumem
