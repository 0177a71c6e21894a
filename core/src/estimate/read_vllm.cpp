// vLLM's options, by its own names.

#include <algorithm>
#include <cmath>

#include "engines/vllm/cache_specs.hpp"
#include "engines/vllm/predictors.hpp"
#include "engines/vllm/profile.hpp"
#include "estimate/scenario.hpp"
#include "estimate/size_text.hpp"

namespace gpumem {
namespace {

constexpr double most_blocks = 1e12;

void read_vllm(Fields& o, ServingScenario& v) {
  v.pool = read_size(o, "kv_cache_memory_bytes");
  v.pool_blocks = o.count({"num_gpu_blocks_override"}, 0, 1, most_blocks);
  v.longest = o.count({"max_model_len"}, 0, 1, 1e9);
  v.batched_tokens = o.count({"max_num_batched_tokens"}, 0, 1, 1e9);
  v.requests = o.count({"max_num_seqs"}, 0, 1, 1 << 20);
  v.block_tokens = o.count({"block_size"}, 0, 1, 1 << 20);
  v.async = o.flag({"async_scheduling"}, true);
  v.in_flight = o.count({"max_in_flight_tokens"}, 0, 1, 1e12);
  v.hybrid = !o.flag({"disable_hybrid_kv_cache_manager"}, false);
  v.prefixes = o.flag({"enable_prefix_caching"}, true);
  v.memory_fraction = o.number({"gpu_memory_utilization"}, 0, 0.01, 1);
  v.graphs = !o.flag({"enforce_eager"}, false);
  v.state_format = o.word({"mamba_ssm_cache_dtype"}, "auto", {"auto", "float32", "float16", "bfloat16"});
}

/// Source: [vllm] vllm/config/lora.py LoRAConfig
void read_lora_slots(Fields& o, Scenario& s) {
  constexpr double most_slots = 1 << 12, most_rank = 1 << 12, usual_rank = 16;
  const bool enabled = o.flag({"enable_lora"}, false);
  if (!o.has("enable_lora")) return;
  s.engine_options.set("enable_lora", enabled);
  if (!enabled) return;
  s.engine_options.set("max_loras", o.count({"max_loras"}, 1, 1, most_slots));
  s.engine_options.set("max_lora_rank", o.count({"max_lora_rank"}, usual_rank, 1, most_rank));
  const auto unlike = [](const DecoderLayer& l) { return l.experts || l.mixer || l.attention.latent; };
  if (!s.model || std::any_of(s.model->layers.begin(), s.model->layers.end(), unlike))
    o.report("enable_lora", "unsupported", "slots for adapters are computed for dense models with a program so far");
}

/// Source: [vllm] vllm/config/multimodal.py MultiModalConfig: of images, as many as are said of one prompt
void read_image_limits(Fields& o, Scenario& s) {
  constexpr double most = 999;
  const bool skips = o.flag({"skip_mm_profiling"}, false);
  if (o.has("skip_mm_profiling")) s.engine_options.set("skip_mm_profiling", skips);
  Fields limits = o.record("limit_mm_per_prompt");
  const double images = limits.count({"image"}, most, 0, most);
  limits.refuse_unknown();
  if (o.has("limit_mm_per_prompt")) s.engine_options.set("limit_mm_per_prompt", Document::record({{"image", images}}));
}

/// Drafts without a model of their own: of layers that the model brings along, or found in the text.
/// Source: [vllm] vllm/config/speculative.py SpeculativeConfig
void read_speculation(Fields& o, Scenario& s) {
  constexpr double most_drafted = 1 << 10;
  Fields given = o.record("speculative_config");
  const std::string method = given.word({"method"}, "ngram", {"mtp", "ngram", "suffix"});
  const double drafted = given.count({"num_speculative_tokens"}, 1, 1, most_drafted);
  given.refuse_unknown();
  if (!o.has("speculative_config")) return;
  s.engine_options.set("speculative_config", Document::record({{"method", method}, {"num_speculative_tokens", drafted}}));
  if (method != "mtp") return;
  if (!s.config || vllm::predictors_of(*s.config) == 0)
    given.report("method", "contradiction", "mtp needs a configuration that names num_nextn_predict_layers or mtp_num_hidden_layers");
}

/// Those of its server; a step of the first engine held whole prompts unless they were long.
/// Source: [vllm] vllm/engine/arg_utils.py EngineArgs.get_batch_defaults
void set_batch_defaults(ServingScenario& v, const Scenario& s) {
  const double memory = s.device ? in(gib, s.device->memory) : 0;
  constexpr double ampere_of_data_centres = 8.0;   // it leaves those out
  const bool large = memory >= 70 && s.device->compute_capability != ampere_of_data_centres;
  const bool first = vllm::version_of(s.engine_version).first_engine;
  constexpr double longest_prompt_at_once = 32768;
  const double usual = first ? 2048 : memory >= 160 ? 16384 : large ? 8192 : 2048;
  if (v.batched_tokens == 0) v.batched_tokens = first && v.longest <= longest_prompt_at_once ? std::max(v.longest, usual) : usual;
  if (v.requests == 0) v.requests = large && !first ? 1024 : 256;
}

bool is_latent(const Scenario& s) {
  if (s.model) return !s.model->layers.empty() && s.model->layers[0].attention.latent.has_value();
  const auto& rows = s.cache_rows.rows;
  return std::any_of(rows.begin(), rows.end(), [](const CacheRow& r) { return r.per_token > 0 && r.heads == 0; });
}

/// Recurrent states are in the format the configuration names, else in the model's.
/// Source: [vllm] vllm/model_executor/layers/mamba/mamba_utils.py, models/config.py Qwen3_5ForConditionalGenerationConfig,
/// NemotronHForCausalLMConfig
std::string named_state_format(const Scenario& s) {
  const Document* text = s.config ? s.config->find("text_config") : nullptr;
  for (const Document* config : {text, s.config})
    for (const char* key : {"mamba_ssm_dtype", "mamba_ssm_cache_dtype"})
      if (const Document* named = config ? config->find(key) : nullptr; named && named->is(Document::Kind::text))
        for (const char* known : {"float32", "float16", "bfloat16"})
          if (named->text() == known) return known;
  const Document* type = s.config ? s.config->find("model_type") : nullptr;
  return type && type->is(Document::Kind::text) && type->text() == "nemotron_h" ? "float32" : "auto";
}

/// Source: [vllm] vllm/config/parallel.py ParallelConfig: experts over all GPUs of all replicas
void complete_experts(Scenario& s, Fields& request) {
  const double gpus = s.layout.tensor * s.layout.data;
  const Document* option = s.engine_options.find("enable_expert_parallel");
  const bool wanted = s.layout.expert > 1 || (option && option->truth());
  if (s.layout.expert > 1 && s.layout.expert != gpus)
    request.report("parallel.expert", "contradiction", text_of({"vllm spreads experts over all GPUs of all replicas, tensor × data = ", number_text(gpus)}));
  if (s.layout.data > 1 && s.layout.pipeline > 1) request.report("parallel.data", "unsupported", "replicas of a pipeline are not computed so far");
  if (wanted && s.layout.pipeline > 1) request.report("parallel.pipeline", "unsupported", "experts held whole along a pipeline are not computed so far");
  if (s.layout.pipeline > 1 && s.engine_options.find("speculative_config")) request.report("parallel.pipeline", "unsupported", "drafts beside a pipeline are not computed so far");
  if (wanted) s.engine_options.set("enable_expert_parallel", true);
}

void complete_vllm(Scenario& s, Fields& request) {
  ServingScenario& v = s.serving;
  complete_experts(s, request);
  if (v.memory_fraction == 0) v.memory_fraction = 0.92;
  if (v.longest == 0) v.longest = s.inference.context_tokens;
  if (s.inference.context_tokens > v.longest)
    request.report("inference.contextTokens", "contradiction", "cannot be more than the engine's max_model_len");
  set_batch_defaults(v, s);
  if (v.block_tokens == 0) v.block_tokens = vllm::usual_block(is_latent(s));
  if (v.in_flight == 0) v.in_flight = (v.async ? 2 : 1) * v.batched_tokens;
  if (v.state_format == "auto") v.state_format = named_state_format(s);
  s.inference.prefill_tokens = v.batched_tokens;
  Document& o = s.engine_options;
  if (v.pool) o.set("kv_cache_memory_bytes", *v.pool);
  if (v.pool_blocks > 0) o.set("num_gpu_blocks_override", v.pool_blocks);
  if (!v.pool && v.pool_blocks == 0) o.set("gpu_memory_utilization", v.memory_fraction);
  o.set("max_model_len", v.longest);
  o.set("max_num_batched_tokens", v.batched_tokens);
  o.set("max_num_seqs", v.requests);
  o.set("block_size", v.block_tokens);
  o.set("async_scheduling", v.async);
  o.set("max_in_flight_tokens", v.in_flight);
  o.set("disable_hybrid_kv_cache_manager", !v.hybrid);
  o.set("enable_prefix_caching", v.prefixes);
  o.set("enforce_eager", !v.graphs);
  if (!s.cache_rows.rows.empty()) o.set("mamba_ssm_cache_dtype", v.state_format);
}

}  // namespace

bool serves(std::string_view engine) { return engine == "vllm" || engine == "sglang" || engine == "tensorrt-llm"; }

void read_serving_options(Fields& options, Scenario& s) {
  if (s.engine == "vllm") {
    read_vllm(options, s.serving);
    read_lora_slots(options, s);
    read_speculation(options, s);
    read_image_limits(options, s);
    const bool whole = options.flag({"enable_expert_parallel"}, false);
    if (options.has("enable_expert_parallel")) s.engine_options.set("enable_expert_parallel", whole);
    return;
  }
  read_token_pool(options, s);
}

void read_serving_fields(Fields& f, Scenario& s) {
  ServingScenario& v = s.serving;
  const double share = f.number({"memoryFraction"}, 0, 0.01, 1);
  if (share > 0 && v.memory_fraction > 0 && share != v.memory_fraction)
    f.report("memoryFraction", "contradiction", "the engine's own option names another share of the device");
  if (v.memory_fraction == 0) v.memory_fraction = share;
  if (f.has("prefillTokens")) {
    if (v.batched_tokens > 0 && v.batched_tokens != s.inference.prefill_tokens)
      f.report("prefillTokens", "contradiction", "the engine's own option names another number of tokens in one pass");
    if (v.batched_tokens == 0) v.batched_tokens = s.inference.prefill_tokens;
  }
  if (f.has("cudaGraphs")) v.graphs = f.flag({"cudaGraphs"}, v.graphs);
}

void complete_serving(Fields& request, Scenario& s) {
  if (!serves(s.engine)) return;
  if (s.encoder_model) return request.report("engine", "unsupported", "models with an encoder are computed for transformers so far");
  if (s.mix->gguf) return request.report("weights", "unsupported", text_of({s.engine, " with GGUF files is not computed yet"}));
  if (s.model)   // Source: [vllm] vllm/config/model.py verify_with_parallel_config
    for (const DecoderLayer& l : s.model->layers)
      if (std::fmod(l.attention.heads, s.serving.ranks) != 0)
        return request.report("parallel.tensor", "contradiction", text_of({"must divide the model's ", number_text(l.attention.heads), " attention heads"}));
  if (s.engine == "vllm") complete_vllm(s, request);
  else complete_token_pool(s);
}

}  // namespace gpumem
