#include <algorithm>
#include <cmath>

#include "architectures/common.hpp"
#include "estimate/scenario.hpp"
#include "training/optimizer.hpp"

namespace gpumem {
namespace {

double longest(const Scenario& s) {
  const double said = whole_engine && s.encoder_model ? s.encoder_model->max_positions : s.model ? s.model->max_positions : most_tokens;
  return said > 0 ? said : most_tokens;
}

void check_length(double length, Scenario& s) {
  if (!s.model || length <= longest(s)) return;
  const bool table = s.model->learned_positions > 0;
  s.assumptions.push_back(
      {"beyond-trained-length",
       text_of({"The model was made for ", number_text(longest(s)), " tokens; memory is counted for ", number_text(length), ".",
                table ? " Its position table has no row for the rest: a real run would fail there." : ""})});
}

/// What convolutions make of sound is counted in rows, as tokens are.
void tell_of_rows(double rows, Scenario& s) {
  if (!whole_engine || !s.encoder_model || !s.encoder_model->wave) return;
  s.assumptions.push_back({"rows-of-sound", text_of({"A token is one of the rows that convolutions make of the sound; ", number_text(rows), " are made of ",
                                                     number_text(s.encoder_model->wave->samples(rows)), " samples."})});
  if (s.task == Task::training)
    s.assumptions.push_back({"nothing-left-out", "Every layer runs and no row is masked, whatever layerdrop and masking probabilities say; a text has as many labels as there are rows, the most that can be laid along them."});
}

/// Some families have their own attention code, which takes no fused kernel.
std::string usual_kernel(Scenario& s) {
  if (!s.model || !s.model->eager_only) return "flash";
  s.assumptions.push_back({"own-attention", "In transformers this architecture computes attention in its own code, without a fused kernel, whatever is asked for."});
  return "eager";
}

/// Fields of the contract that say nothing about what is computed so far.
void ignore(Fields& f, Names names, Scenario& s) {
  for (const std::string_view name : names)
    if (f.value({name}))
      s.assumptions.push_back({"ignored-field", text_of({f.path(), ".", name, " does not apply to this estimate and was ignored."})});
}

void unsupported_unless(Fields& f, std::string_view name, Names supported, const std::string& given, std::string_view what) {
  if (!given.empty() && std::find(supported.begin(), supported.end(), given) == supported.end())
    f.report(name, "unsupported", text_of({quoted(given), " ", what, " is not computed yet"}));
}

/// llama.cpp keeps keys and values in any of its types; transformers in the format it computes in.
void read_cache_format(Fields& f, Scenario& s) {
  const std::string usual(s.weight_format()->id);
  const std::string keys = s.llama_cpp.cache_keys.empty() ? usual : s.llama_cpp.cache_keys;
  const Document* given = f.value({"kvFormat"});
  if (given && given->is(Document::Kind::record)) {
    Fields both = f.record("kvFormat");
    s.inference.kv_format = both.text({"key"}, usual);
    s.inference.kv_values = both.text({"value"}, usual);
    both.refuse_unknown();
    if (s.engine != "llama.cpp" && s.inference.kv_values != usual) s.inference.kv_format = s.inference.kv_values;
  } else {
    s.inference.kv_format = f.text({"kvFormat"}, keys);
    if (!given && !s.llama_cpp.cache_values.empty()) s.inference.kv_values = s.llama_cpp.cache_values;
  }
  if (whole_engine && s.engine == "llama.cpp") {
    if (!s.cache_format() || !s.cached_values()) f.report("kvFormat", "unknown-word", text_of({"must be one format of llama.cpp, such as fp16, q8_0 or q4_0; not ", quoted(s.inference.kv_format)}));
  } else if (whole_engine && serves(s.engine)) {
    if (s.inference.kv_format == "auto") s.inference.kv_format = usual;
    if (!s.cache_format()) f.report("kvFormat", "unknown-word", text_of({"must be a number format such as bf16, fp16 or fp8; not ", quoted(s.inference.kv_format)}));
  } else if (whole_engine && runs_locally(s.engine)) {
    if (s.inference.kv_format != usual) f.report("kvFormat", "unsupported", text_of({s.engine, " is told by engine.options: ", s.engine == "mlx" ? "kv_bits" : "cache_mode"}));
  } else if (whole_engine && s.litgpt && !s.plain() && (s.inference.kv_format == "bf16" || s.inference.kv_format == "fp16")) {
    s.compute = find_format(s.inference.kv_format);   // what --precision says, whatever the checkpoint is in
  } else if (s.inference.kv_format != usual) {
    f.report("kvFormat", "unsupported", text_of({"transformers keeps keys and values in the format it computes in, ", usual}));
  }
}

/// How the weights lie in memory: what the precision implies, in 16 bits under autocast if the base is frozen or asked
/// for, in 4 bits for QLoRA.
void read_stored_weights(Fields& f, Scenario& s, bool given) {
  const TrainingScenario& t = s.training;
  if (whole_engine && s.engine == "megatron") return read_megatron_weights(f, s, given);
  if (t.method == "qlora") {
    if (!given) s.weights = "nf4-dq";
    const Mix* mix = find_mix(s.weights);
    if (!mix || !trains_on(*mix)) f.report("method", "contradiction", text_of({"QLoRA is computed for nf4-dq, nf4 and gptq weights, not for ", s.weights}));
    return;
  }
  const bool plain = t.precision == "bf16" || t.precision == "fp8";   // both compute in bf16 but for products
  const std::string implied = plain || (t.method != "full" && t.precision != "fp32") ? "bf16" : "fp32";
  if (!given) s.weights = implied;
  const bool autocast = t.precision == "bf16-amp" || t.precision == "fp16-amp";
  const bool half = s.weights == "bf16" || (s.weights == "fp16" && t.precision == "fp16-amp");
  const bool mixed = s.engine == "fsdp" && plain && s.weights == "fp32";   // gathered in bf16
  const bool fits = mixed || (half ? t.precision != "fp32" : s.weights == "fp32" && !plain);
  if (!fits)
    f.report("precision", "contradiction", text_of({quoted(t.precision), " trains weights stored in ", autocast ? "fp32 or bf16" : implied, ", not in ", s.weights}));
}

/// Encoders of images read images of one size.
void read_images(Fields& f, Scenario& s) {
  const bool sees = whole_engine && s.encoder_model && s.encoder_model->encoder.input.kind == InputLayer::Kind::image;
  if (!sees) {
    if (whole_engine) return read_prompt_images(f, s);
    if (f.count({"images"}, 0, 0, 1 << 16) > 0) f.report("images", "part-not-loaded", "needs a part of the calculator that is not loaded");
    return ignore(f, {"imageSize"}, s);
  }
  s.inference.images = f.count({"images"}, 1, 1, 1 << 16);
  const Document* size = f.value({"imageSize"});
  if (!size) return;
  double& side = s.encoder_model->encoder.input.side;
  const bool any_size = s.encoder_model->convolutions || (s.encoder_model->staged && s.encoder_model->staged->kind == StagedNet::Kind::convolutions);
  if (any_size && size->is(Document::Kind::list) && size->items().size() == 2 && size->items()[0].is(Document::Kind::number)) {
    const double wanted = size->items()[0].number();   // convolutions take any size
    if (wanted >= 32 && wanted <= 16384 && wanted == std::floor(wanted)) side = wanted;
  }
  bool fits = size->is(Document::Kind::list) && size->items().size() == 2;
  for (std::size_t i = 0; fits && i < 2; ++i) fits = size->items()[i].is(Document::Kind::number) && size->items()[i].number() == side;
  if (!fits)
    f.report("imageSize", "unsupported", text_of({"must be [", number_text(side), ", ", number_text(side), "], the size the model was made for"}));
}

/// Liger's kernels bring a loss of their own; options of the training code may replace the full one.
void read_kernels(Fields& f, Scenario& s) {
  TrainingScenario& t = s.training;
  t.kernels = f.word({"kernels"}, "torch", {"torch", "liger", "compile", "unsloth"});
  if (t.kernels == "unsloth")
    f.report("kernels", "unsupported", "Unsloth replaces layers, attention and loss by code of its own; what that keeps for backward is not computed yet");
  if (t.kernels == "liger") t.fused = {true, true, true, false};
  if (t.kernels == "compile")
    s.assumptions.push_back({"compiled-as-eager", "Compiled code is counted as if its operations ran one by one: ViT-H of torchao's benchmark takes up to 2 % less than that."});
  const std::string loss = f.word({"crossEntropy"}, t.kernels == "liger" ? "fused" : "full", {"full", "inplace", "chunked", "fused"});
  using Kind = LossPlan::Kind;
  if (loss != "full") t.loss.kind = loss == "inplace" ? Kind::in_place : loss == "chunked" ? Kind::chunked : Kind::fused;
  if (whole_engine && s.litgpt && t.loss.kind == Kind::chunked) t.loss.kind = Kind::listed;
  else if (t.loss.kind != Kind::chunked) t.loss.rows = 0;
  else if (t.loss.rows == 0) t.loss.rows = 1024;
}

}  // namespace

void read_inference(Fields& f, Scenario& s) {
  InferenceScenario& i = s.inference;
  i.sequences = f.count({"sequences"}, 1, 1, 1 << 20);
  const double prompt = f.count({"promptTokens"}, 0, 1, most_tokens);
  const double usual = std::min(4096.0, longest(s));
  i.context_tokens = f.count({"contextTokens"}, std::max(usual, prompt), 1, most_tokens);
  i.prompt_tokens = prompt > 0 ? prompt : i.context_tokens;
  constexpr double usual_batch = 512;   // llama.cpp's n_ubatch
  i.prefill_tokens = f.count({"prefillTokens"}, s.engine == "llama.cpp" ? std::min(usual_batch, i.prompt_tokens) : i.prompt_tokens, 1, most_tokens);
  if (i.prompt_tokens > i.context_tokens)
    f.report("promptTokens", "contradiction", "cannot be more than contextTokens, which holds prompt and answer");
  check_length(i.context_tokens, s);
  tell_of_rows(i.context_tokens, s);
  i.attention = f.word({"attention"}, usual_kernel(s), {"flash", "sdpa", "eager"});
  if (i.attention == "flash" && s.weight_format() == fp32) {
    if (f.has("attention")) f.report("attention", "contradiction", "flash attention takes 16-bit formats only; use sdpa with fp32 weights");
    i.attention = "sdpa";
  }
  read_cache_format(f, s);
  read_images(f, s);
  if (whole_engine && s.engine == "llama.cpp") read_llama_cpp_offload(f, s);
  else ignore(f, {"offload"}, s);
  if (whole_engine && serves(s.engine)) read_serving_fields(f, s);
  else ignore(f, {"memoryFraction", "cudaGraphs"}, s);
  f.value({"draft"});   // a scenario of its own, read when this one is
  ignore(f, {"width", "height", "frames"}, s);
  f.refuse_unknown();
}

void read_training(Fields& f, Scenario& s, bool weights_given) {
  TrainingScenario& t = s.training;
  if (whole_engine) read_training_images(f, s);
  else if (f.has("images")) return f.report("images", "part-not-loaded", "needs a part of the calculator that is not loaded");
  t.method = f.word({"method"}, "full", {"full", "lora", "qlora", "dora", "prefix", "prompt"});
  unsupported_unless(f, "method", {"full", "lora", "qlora", "dora", "prompt"}, t.method, "training");
  const bool adapters = whole_engine && t.method != "full" && t.method != "prompt";
  if (whole_engine && t.method == "prompt") read_soft_prompt(f, s);
  else if (whole_engine) ignore(f, {"virtualTokens"}, s);
  if (!whole_engine && t.method != "full") return f.report("method", "part-not-loaded", "needs a part of the calculator that is not loaded");
  Fields lora = f.record("lora");
  if (adapters) read_lora(lora, t.lora);
  if (whole_engine && adapters && s.litgpt) name_parts(t.lora);
  const bool own_lora = (t.method == "lora" || t.method == "qlora") && (t.lora.kind == "lora" || t.lora.kind == "rslora");
  if (whole_engine && s.litgpt && t.method != "full" && !own_lora) f.report("method", "unsupported", "LitGPT is computed with all weights trained, with LoRA and with QLoRA");
  if (whole_engine && s.litgpt && f.has("rl")) f.report("rl", "unsupported", "is not computed for LitGPT");
  const bool measured_alone = t.lora.kind != "lora" && t.lora.kind != "rslora" && t.lora.kind != "ia3";
  if (adapters && measured_alone && s.engine != "torch") lora.report("kind", "unsupported", text_of({t.lora.kind, " is computed under torch, not under ", s.engine}));
  if (adapters && t.method != "lora" && t.lora.kind != "lora" && t.lora.kind != "rslora")
    lora.report("kind", "contradiction", text_of({t.lora.kind, " is computed for the method lora, not for ", t.method}));
  if (adapters && !s.model)
    f.report("method", "unsupported", text_of({quoted(t.method), " needs a model whose linears are known: a family with a program of its own"}));
  const bool megatron = whole_engine && s.engine == "megatron";
  t.precision = f.word({"precision"}, megatron ? "megatron-bf16" : "bf16", {"fp32", "bf16", "bf16-amp", "fp16-amp", "megatron-bf16", "megatron-fp16", "fp8"});
  if (megatron) unsupported_unless(f, "precision", {"megatron-bf16", "megatron-fp16"}, t.precision, "precision under megatron");
  else if (!whole_engine || s.engine != "fsdp" || t.precision != "fp8") unsupported_unless(f, "precision", {"fp32", "bf16", "bf16-amp", "fp16-amp"}, t.precision, "precision");
  read_stored_weights(f, s, weights_given);
  if (const Mix* mix = find_mix(s.weights)) s.mix = mix;
  t.optimizer = f.text({"optimizer"}, "adamw");
  if (!find_optimizer(t.optimizer)) f.report("optimizer", "unsupported", text_of({quoted(t.optimizer), " is not in the catalog yet"}));
  if (const catalog::OptimizerRow* o = find_optimizer(t.optimizer); !whole_engine && o && (!o->matrices.empty() || o->source != "pytorch-optim"))
    return f.report("optimizer", "part-not-loaded", "needs a part of the calculator that is not loaded");
  if (const catalog::OptimizerRow* o = find_optimizer(t.optimizer); whole_engine && o && o->managed > 0)
    s.assumptions.push_back({"managed-states", text_of({"States of parameters of ", number_text(o->managed), " numbers or more lie in CUDA's managed memory: PyTorch does not count it, and the driver keeps it on the card while there is room and moves it to the host's memory when there is none. It is shown for the host."})});
  t.optimizer_step = f.word({"optimizerStep"}, "fused", {"fused", "foreach", "loop"});
  t.micro_batch = f.count({"microBatch"}, 1, 1, 1 << 20);
  t.sequence_tokens = f.count({"sequenceTokens"}, std::min(2048.0, longest(s)), 1, most_tokens);
  check_length(t.sequence_tokens, s);
  tell_of_rows(t.sequence_tokens, s);
  t.accumulation = f.count({"gradientAccumulation"}, 1, 1, 1 << 20);
  t.attention = f.word({"attention"}, s.weights == "fp32" && t.precision == "fp32" ? std::string("sdpa") : usual_kernel(s), {"flash", "sdpa", "eager"});
  if (t.attention == "flash" && t.precision == "fp32")
    f.report("attention", "contradiction", "flash attention takes 16-bit formats only; use sdpa with fp32");
  const Document* checkpointing = f.value({"checkpointing"});
  if (!whole_engine && checkpointing && !(checkpointing->is(Document::Kind::text) && (checkpointing->text() == "none" || checkpointing->text() == "full")))
    return f.report("checkpointing", "part-not-loaded", "needs a part of the calculator that is not loaded");
  if (megatron) read_megatron_checkpointing(f, s);
  else if (whole_engine) read_checkpointing(f, s);
  else t.checkpointing = f.word({"checkpointing"}, "none", {"none", "full"});
  read_kernels(f, s);
  const catalog::OptimizerRow* optimizer = find_optimizer(t.optimizer);
  t.optimizer_in_backward = f.flag({"optimizerInBackward"}, optimizer && optimizer->in_backward);
  if (t.optimizer_in_backward && t.accumulation > 1)
    f.report("optimizerInBackward", "contradiction", "cannot be used with gradient accumulation: gradients are gone after each backward");
  if (!whole_engine && (f.has("offload") || f.has("gradientFormat") || f.has("optimizerFormat") || f.has("residualFormat") || f.has("rl") || f.has("averagedWeights") || f.has("virtualTokens")))
    return f.report("", "part-not-loaded", "needs a part of the calculator that is not loaded");
  if (whole_engine) {
    read_offload(f, s);
    read_formats(f, s);
    read_rl(f, s);
    read_average(f, s);
  }
  if (whole_engine) check_training_images(f, s);
  if (!adapters) ignore(f, {"lora"}, s);
  f.refuse_unknown();
}

}  // namespace gpumem
