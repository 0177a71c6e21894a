#include "answers/changes.hpp"

#include <algorithm>
#include <cmath>

#include "answers/asker.hpp"

namespace gpumem {
namespace {

/// A row: `sets` is "path=value path=value"; whole numbers, true and false are what they look like.
struct Row {
  std::string_view id, kind, engines, sets;
  int regret;
  Costs costs;
};

constexpr std::string_view rounding = "a little: numbers are rounded more coarsely", noticeable = "noticeable on hard questions",
                           recomputed = "a quarter to a third more: each layer's forward runs twice", none = "",
                           checkpoint = "a checkpoint in this format has to exist or be made", unpacked = "weights are unpacked at every use",
                           few_updated = "less is learned: only adapters are trained";

// Regret: 0 nothing is lost, 1 some work, 2 time, 3 quality, 4 much of it.
constexpr Row training_rows[] = {
    {"cross-entropy-inplace", "loss", "", "training.crossEntropy=inplace", 0, {none, none, "a loss function that overwrites the logits"}},
    {"cross-entropy-chunked", "loss", "", "training.crossEntropy=chunked", 0, {"about the same", none, "a loss function in chunks"}},
    {"cross-entropy-fused", "loss", "", "training.crossEntropy=fused", 0, {"about the same", none, "a fused kernel for head and loss, such as Liger's"}},
    {"liger-kernels", "loss", "", "training.kernels=liger training.crossEntropy=fused", 0, {none, none, "a package of kernels for the model's family"}},
    {"flash-attention", "attention", "", "training.attention=flash", 0, {none, none, none}},
    {"optimizer-step-fused", "step", "", "training.optimizerStep=fused", 0, {none, none, none}},
    {"optimizer-in-backward", "backward", "", "training.optimizerInBackward=true training.gradientAccumulation=1", 1,
     {none, "gradients can be neither accumulated nor clipped by their norm", "hooks on parameters"}},
    {"checkpointing-selective", "checkpointing", "", "training.checkpointing=selective", 1, {"a few percent more", none, none}},
    {"checkpointing-full", "checkpointing", "", "training.checkpointing=full", 2, {recomputed, none, none}},
    {"checkpointing-offload", "checkpointing", "torch", "training.checkpointing=offload", 3, {"as checkpointing of every layer, and inputs travel to main memory", none, none}},
    {"activations-offload", "activations", "torch", "training.offload.activations=true", 3, {"what is kept for backward travels to main memory and back", none, none}},
    {"optimizer-8bit", "optimizer", "", "training.optimizer=adamw-8bit", 1, {none, "a little: states are rounded to 8 bits", "bitsandbytes"}},
    {"optimizer-paged-8bit", "optimizer", "", "training.optimizer=paged-adamw-8bit", 2, {"states travel from main memory where it is tight", "a little: states are rounded to 8 bits", "bitsandbytes"}},
    {"optimizer-4bit", "optimizer", "", "training.optimizer=adamw-4bit", 2, {none, "states are rounded to 4 bits", "torchao"}},
    {"optimizer-adafactor", "optimizer", "", "training.optimizer=adafactor", 3, {none, "another optimizer, with another learning rate", none}},
    {"optimizer-adalomo", "optimizer", "torch", "training.optimizer=adalomo training.optimizerInBackward=true training.gradientAccumulation=1", 4,
     {none, "another optimizer; gradients can be neither accumulated nor clipped by their norm", "LOMO's own code"}},
    {"optimizer-sgd", "optimizer", "", "training.optimizer=sgd", 4, {none, "language models learn poorly with it", none}},
    {"precision-bf16", "precision", "", "training.precision=bf16 weights=bf16", 3, {none, "small updates are lost in weights of 16 bits", none}},
    {"precision-amp", "precision", "", "training.precision=bf16-amp weights=fp32", 1, {none, rounding, none}},
    {"optimizer-offload", "offload", "", "training.offload.optimizer=true", 2, {"the step waits for main memory", none, "an engine that offloads, or an optimizer that does, such as torchao's"}},
    {"parameters-offload", "offload", "fsdp deepspeed", "training.offload.parameters=true", 3, {"weights travel from main memory for every layer, the step runs there", none, none}},
    {"gradients-in-buckets", "buckets", "torch", "engine.options.gradient_as_bucket_view=true", 0, {none, none, none}},
    {"lora", "method", "", "training.method=lora", 3, {none, few_updated, "adapters to merge or to load"}},
    {"qlora", "method", "", "training.method=qlora weights=nf4-dq", 4, {unpacked, few_updated, "bitsandbytes; adapters to merge or to load"}},
};

constexpr std::string_view served = "vllm sglang tensorrt-llm";

constexpr Row inference_rows[] = {
    {"attention-flash", "attention", "transformers", "inference.attention=flash", 0, {none, none, none}},
    {"prefill-chunks", "prefill", "transformers vllm sglang", "inference.prefillTokens=2048", 1, {"a little more for long prompts", none, none}},
    {"prefill-chunks-512", "prefill", "transformers vllm sglang", "inference.prefillTokens=512", 2, {"more for long prompts", none, none}},
    {"compute-batch", "prefill", "llama.cpp", "inference.prefillTokens=128", 2, {"prompts are read more slowly", none, none}},
    {"flash-attention", "attention", "llama.cpp", "inference.attention=flash", 0, {none, none, none}},
    {"eager-engine", "graphs", served, "inference.cudaGraphs=false", 2, {"a tenth to a half slower decoding", none, none}},
    {"memory-share", "share", "vllm sglang", "inference.memoryFraction=0.95", 1, {none, none, "less is left for anything else on the card"}},
    {"kv-q8_0", "cache", "llama.cpp", "inference.kvFormat=q8_0", 1, {"a few percent more", "hardly any", none}},
    {"kv-q4_0", "cache", "llama.cpp", "inference.kvFormat=q4_0", 3, {"a few percent more", rounding, none}},
    {"kv-fp8", "cache", served, "inference.kvFormat=fp8", 1, {none, "hardly any", none}},
    {"weights-fp8", "weights", "transformers vllm sglang tensorrt-llm", "weights=fp8", 2, {none, "hardly any", checkpoint}},
    {"weights-int8", "weights", "transformers", "weights=int8", 2, {"slower: outliers are multiplied apart", "hardly any", "bitsandbytes"}},
    {"weights-awq-4", "weights", "transformers vllm sglang tensorrt-llm", "weights=awq-4-128", 3, {none, rounding, checkpoint}},
    {"weights-gptq-4", "weights", "transformers vllm sglang tensorrt-llm", "weights=gptq-4-128", 3, {none, rounding, checkpoint}},
    {"weights-nf4", "weights", "transformers", "weights=nf4-dq", 3, {unpacked, rounding, "bitsandbytes"}},
    {"weights-q8_0", "weights", "llama.cpp", "weights=Q8_0", 1, {none, "hardly any", none}},
    {"weights-q6_k", "weights", "llama.cpp", "weights=Q6_K", 1, {none, "hardly any", none}},
    {"weights-q5_k_m", "weights", "llama.cpp", "weights=Q5_K_M", 2, {none, rounding, none}},
    {"weights-q4_k_m", "weights", "llama.cpp", "weights=Q4_K_M", 3, {none, rounding, none}},
    {"weights-iq4_xs", "weights", "llama.cpp", "weights=IQ4_XS", 3, {none, rounding, none}},
    {"weights-q3_k_m", "weights", "llama.cpp", "weights=Q3_K_M", 4, {none, noticeable, none}},
    {"weights-q2_k", "weights", "llama.cpp", "weights=Q2_K", 5, {none, "much: answers get worse", none}},
    {"experts-on-host", "offload", "llama.cpp", "inference.offload.experts=true", 3, {"decoding waits for main memory", none, none}},
    {"cache-on-host", "offload", "llama.cpp", "inference.offload.kvCache=true", 4, {"attention waits for main memory", none, none}},
    {"vae-slicing", "decoder", "diffusers", "engine.options.vae_slicing=true", 0, {"images are decoded one by one", none, none}},
    {"vae-tiling", "decoder", "diffusers", "engine.options.vae_tiling=true", 2, {"a little more for decoding", "seams are blended", none}},
    {"weights-16-bits", "weights", "diffusers", "weights=bf16", 1, {none, "hardly any", none}},
};

bool names(std::string_view list, std::string_view word) {
  for (std::size_t at = list.find(word); at != std::string_view::npos; at = list.find(word, at + 1))
    if ((at == 0 || list[at - 1] == ' ') && (at + word.size() == list.size() || list[at + word.size()] == ' ')) return true;
  return false;
}

Document value_of(std::string_view text) {
  if (text == "true" || text == "false") return text == "true";
  double number = 0, scale = 0;
  for (const char c : text) {
    if (c == '.' && scale == 0) scale = 1;
    else if (c < '0' || c > '9') return text;
    else {
      number = number * 10 + (c - '0');
      scale *= 10;
    }
  }
  return scale > 0 ? number / scale : number;
}

Document patch_of(std::string_view sets) {
  Document patch = Document::record();
  while (!sets.empty()) {
    const std::string_view one = sets.substr(0, sets.find(' '));
    const std::size_t equals = one.find('=');
    merge(patch, change_of(one.substr(0, equals), value_of(one.substr(equals + 1))));
    sets.remove_prefix(std::min(sets.size(), one.size() + 1));
  }
  return patch;
}

/// As many samples a step in more passes: the micro-batch's divisors, the largest first.
void add_smaller_batches(const TrainingScenario& t, std::vector<Change>& all) {
  constexpr int most = 6;
  int listed = 0;
  for (double parts = 2; parts <= t.micro_batch && listed < most; ++parts) {
    if (std::fmod(t.micro_batch, parts) != 0) continue;
    if (++listed == most) parts = t.micro_batch;
    Document patch = change_of("training.microBatch", t.micro_batch / parts);
    merge(patch, change_of("training.gradientAccumulation", t.accumulation * parts));
    all.push_back({"micro-batch-" + number_text(t.micro_batch / parts), "batch", std::move(patch), {"more passes of less work each", none, none}, 1});
  }
}

/// Of training by preferences: what need not be on the card at the same time.
void add_for_preferences(const RlScenario& rl, std::vector<Change>& all) {
  if (rl.reference && (rl.algorithm == "dpo" || rl.algorithm == "kto"))
    all.push_back({"reference-precomputed", "reference", change_of("training.rl.reference", "precomputed"), {"the data are scored once before the training", none, none}, 0});
  if (rl.rollout == "colocated-vllm" && !rl.sleeps)
    all.push_back({"rollout-sleeps", "rollout", change_of("training.rl.sleep", true), {"weights are handed over at each rollout", none, none}, 1});
}

}  // namespace

std::vector<Change> changes_for(const Scenario& s) {
  std::vector<Change> all;
  const bool training = s.task == Task::training;
  constexpr int most_regret = 5;
  for (int regret = 0; regret <= most_regret; ++regret) {
    if (training && regret == 0 && s.training.rl) add_for_preferences(*s.training.rl, all);
    if (training && regret == 1) add_smaller_batches(s.training, all);
    const Row* const rows = training ? training_rows : inference_rows;
    for (std::size_t i = 0; i < (training ? std::size(training_rows) : std::size(inference_rows)); ++i)
      if (const Row& row = rows[i]; row.regret == regret && (row.engines.empty() || names(row.engines, s.engine)))
        all.push_back({std::string(row.id), row.kind, patch_of(row.sets), row.costs, row.regret});
  }
  return all;
}

}  // namespace gpumem
