// Engines that take a pool for their cache before the first request: weights, the pool, and what a full step needs.

#include <algorithm>
#include <cmath>

#include "engines/sglang.hpp"
#include "engines/vllm/cache_specs.hpp"
#include "engines/vllm/lora_slots.hpp"
#include "engines/vllm/pool.hpp"
#include "engines/vllm/predictors.hpp"
#include "engines/vllm/profile.hpp"
#include "estimate/answer.hpp"
#include "estimate/explain.hpp"
#include "estimate/quick.hpp"
#include "estimate/served_images.hpp"
#include "estimate/served_weights.hpp"
#include "estimate/weights_of.hpp"
#include "placement/expert_replicas.hpp"
#include "placement/tensor_parallel.hpp"

namespace gpumem {
namespace {

/// What one GPU holds for its cache, what it would have to hold at least, and what that is worth.
struct ServedCache {
  bool known = true;
  Bytes taken, needed, states;
  Bytes per_token, per_sequence;   ///< of the whole model
  double tokens = 0, concurrency = 0;
};

const Format* state_format(const Scenario& s) {
  const std::string& name = s.serving.state_format;
  return name == "float32" ? fp32 : name == "float16" ? fp16 : name == "bfloat16" ? bf16 : s.weight_format();
}

bool keeps_rows(const Scenario& s) { return s.model || s.cache_rows.known; }

vllm::SpecPlan spec_plan(const Scenario& s, double ranks) {
  const double states = s.serving.prefixes ? 2 : 1;
  return {s.cache_format(), s.weight_format(), state_format(s), s.serving.block_tokens, ranks, states};
}

/// Layers of the model that draft, where they are asked for.
double drafting_layers(const Scenario& s) {
  const Document* asked = s.engine_options.find("speculative_config");
  return asked && asked->find("method")->text() == "mtp" ? vllm::predictors_of(*s.config) : 0;
}

std::vector<vllm::CacheSpec> specs(const Scenario& s, double ranks) {
  return s.model ? vllm::specs_of(vllm::with_predictors(*s.model, drafting_layers(s)), spec_plan(s, ranks)) : vllm::specs_of(vllm::with_predictors(s.cache_rows, drafting_layers(s)), spec_plan(s, ranks));
}

/// A draft's layers take their blocks from the same pool.
/// Source: [vllm] vllm/v1/worker/gpu_model_runner.py get_kv_cache_spec: every attention layer, whichever model it is of
std::vector<vllm::CacheSpec> all_specs(const Scenario& s, double ranks) {
  std::vector<vllm::CacheSpec> all = specs(s, ranks);
  if (!s.draft) return all;
  const std::vector<vllm::CacheSpec> more = specs(*s.draft, ranks);
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

ServedCache block_pool(const Scenario& s, std::optional<Bytes> available) {
  const ServingScenario& v = s.serving;
  const vllm::CacheGroups groups = vllm::group_layers(all_specs(s, v.ranks), v.hybrid);
  const vllm::RequestLimits longest{v.longest, v.in_flight}, asked{s.inference.context_tokens, v.in_flight};
  const vllm::Pool needed = vllm::pool_of_blocks(groups, asked, 0);
  const double least = needed.blocks_per_request * s.inference.sequences;
  ServedCache c;
  c.known = groups.packed;
  vllm::Pool pool = vllm::pool_of_blocks(groups, longest, v.pool_blocks > 0 ? v.pool_blocks : least);
  if (v.pool || (available && v.pool_blocks == 0)) pool = vllm::pool_of_size(groups, longest, v.pool ? *v.pool : *available);
  c.taken = pool.size();
  c.needed = groups.block * least;
  c.per_sequence = needed.request() * v.ranks;
  c.tokens = vllm::tokens_that_fit(pool, v.longest);
  c.concurrency = pool.concurrency();
  for (const vllm::CacheSpec& one : all_specs(s, 1))
    if (one.kind != vllm::CacheSpec::Kind::state) c.per_token += one.page * (one.layers / one.block_tokens);
  return c;
}

/// Pools counted in tokens; SGLang keeps one page beside it, and one slot for states.
/// Source: [sglang] python/sglang/srt/mem_cache/memory_pool.py
ServedCache token_pool(const Scenario& s, std::optional<Bytes> available) {
  const ServingScenario& v = s.serving;
  const bool sglang = s.engine == "sglang";
  const auto cells_of = [&](double ranks) {
    const TokenPoolPlan plan{s.cache_format(), s.weight_format(), state_format(s), ranks};
    return s.model ? token_cells(*s.model, plan) : token_cells(s.cache_rows, plan);
  };
  const TokenCells cells = cells_of(v.ranks), whole_model = cells_of(1);
  const double beside = sglang ? v.block_tokens : 0, share = sglang ? v.window_share : 1;
  const auto size = [&](double tokens) { return cells.full * (tokens + beside) + cells.windowed * (std::round(tokens * share) + beside); };
  const double asked = std::ceil(s.inference.context_tokens / v.block_tokens) * v.block_tokens * s.inference.sequences;
  const double slots = v.state_slots > 0 ? v.state_slots : s.inference.sequences;
  ServedCache c;
  c.states = cells.state * (slots + (sglang ? 1 : 0));
  c.tokens = v.pool_tokens > 0 ? v.pool_tokens : asked;
  const Bytes token = cells.full + cells.windowed * share;
  if (available && v.pool_tokens == 0 && token > Bytes())
    c.tokens = std::max(0.0, std::floor((*available - c.states - (cells.full + cells.windowed) * beside) / token / v.block_tokens) * v.block_tokens);
  c.taken = size(c.tokens);
  c.needed = size(asked);
  c.per_token = whole_model.full + whole_model.windowed;
  c.per_sequence = (cells.full + cells.windowed * share) * (asked / s.inference.sequences) * v.ranks + whole_model.state;
  c.concurrency = c.tokens / (asked / s.inference.sequences);
  return c;
}

ServedCache served_cache(const Scenario& s, std::optional<Bytes> available) {
  return s.engine == "vllm" ? block_pool(s, available) : token_pool(s, available);
}

/// What is left of the engine's share of the device. vLLM measures a full step first; SGLang's share is of what stays
/// for good; TensorRT-LLM's is of what is free when the model is loaded.
/// Source: [vllm] vllm/v1/worker/gpu_worker.py determine_available_memory; [sglang]; [tensorrt-llm]
std::optional<Bytes> left_for_cache(const Scenario& s, const Parts& without_cache) {
  if (!s.device) return std::nullopt;
  const Bytes total = usable_memory(*s.device), weights = without_cache[Component::weights];
  const double share = s.serving.memory_fraction;
  if (s.engine == "sglang") return total * share - weights;
  const Bytes beside = serving_overheads(s);
  if (s.engine == "tensorrt-llm") return (total - without_cache.sum() - beside) * share;
  return total * share - without_cache.sum() - beside;
}

std::string gib_text(Bytes b) { return number_text(std::round(in(gib, b) * 100) / 100) + " GiB"; }

void say(Scenario& s, const ServedCache& c, Bytes least, bool profiled) {
  const auto tell = [&](const char* id, std::string message) { s.assumptions.push_back({id, std::move(message)}); };
  const bool other = !s.engine_version.empty() && s.engine_version.rfind("0.32", 0) != 0;
  tell("engine-profile", text_of({s.engine, " is computed as ", s.engine == "vllm" ? "version 0.32" : "its published source", " plans it", other ? "; asked for: " : "", other ? s.engine_version : "", "."}));
  if (c.known && keeps_rows(s))
    tell("takes-and-needs", text_of({"The engine takes ", gib_text(c.taken), " for its cache before the first request comes; weights, a full step and the cache of the sequences asked for need at least ",
                                     gib_text(least), " in all. The pool holds ", number_text(std::floor(c.concurrency * 100) / 100), " of the longest requests at once."}));
  else
    tell("cache-unknown", "What this model keeps of past tokens cannot be read off its fields: the pool is not counted.");
  if (s.model || profiled) tell("profiled-step", "Activations are those of one pass of max_num_batched_tokens tokens with fused kernels, or of choosing the next tokens, whichever is more.");
  else tell("activations-unknown", "The weights are exact, tensor by tensor; how this model runs is not known here, so activations are not counted: the pool of a given device is at most this.");
}

Parts step_peak(const Scenario& s, const Decoder& rank, double vocabulary) {
  const vllm::Version version = vllm::version_of(s.engine_version);
  vllm::ProfilePlan plan{s.inference.prefill_tokens, s.serving.requests, vocabulary, s.weight_format()};
  if (!s.serving.last_stage) plan.requests = 0;   // which alone makes logits
  plan.compiled = s.serving.graphs && !version.first_engine;   // enforce_eager turns both off
  plan.checks_drafts = s.draft || s.engine_options.find("speculative_config");
  plan.sorts = s.engine == "vllm" && version.before_graph_estimates;
  return vllm::profiled_peak(rank, plan);
}

double hidden_of(const Scenario& s) {
  if (s.model) return s.model->hidden;
  const Document* text = s.config->find("text_config");
  const Document* hidden = (text && text->is(Document::Kind::record) ? *text : *s.config).find("hidden_size");
  return hidden && hidden->is(Document::Kind::number) ? hidden->number() : 0;
}

}  // namespace

Document answer_for_served(const Scenario& given) {
  if (given.layout.pipeline > 1) return answer_for_stages(given);
  Scenario s = given;
  const double ranks = s.serving.ranks;
  const StoredTensors tensors = tensors_of(s);
  const StoredWeights file = weights_of(s, tensors);
  double total = 0;
  for (const StoredTensor& t : tensors) total += in(elements, t.shape.count()) * t.copies;
  Scenario rank = s;
  if (s.model) rank.model = decoder_of_replica(*s.model, expert_layout(s));
  Parts parts;
  if (s.model) parts = step_peak(s, *rank.model, s.model->vocabulary);
  const std::optional<SeeingModel> seeing = profiled_model(s);
  if (seeing) parts = with_profiled_images(s, *seeing, step_peak(s, decoder_of_rank(seeing->text, ranks), seeing->text.vocabulary));
  StoredTensors loaded = tensors;
  if (const double layers = drafting_layers(s); layers > 0) {
    if (rank.model) rank.model = vllm::with_predictors(*rank.model, layers);
    loaded = vllm::with_predictors(std::move(loaded), hidden_of(s), layers);
    parts[Component::workspace] += draft_rows(s, hidden_of(s));
  }
  // Source: [vllm] vllm/v1/worker/gpu_model_runner.py sync_and_slice_intermediate_tensors: hidden states and the residual
  if (!s.serving.first_stage) parts[Component::activations] += stored_bytes(elements(2 * s.inference.prefill_tokens * s.model->hidden), *s.weight_format());
  parts[Component::weights] = weights_of_gpu(rank, loaded);
  if (s.draft) hold_draft(s, parts);
  if (s.layout.data > 1 && rank.model && std::any_of(rank.model->layers.begin(), rank.model->layers.end(), [](const DecoderLayer& l) { return l.experts.has_value(); }))
    s.assumptions.push_back({"experts-exchange", "What experts receive from the other replicas' tokens is not counted: the pool of a given device is at most this."});

  if (const Document* slots = s.engine_options.find("max_loras")) {
    const double rank_of_adapters = s.engine_options.find("max_lora_rank")->number();
    parts[Component::weights] += vllm::lora_slots(tensors_of(rank), slots->number(), rank_of_adapters, *s.weight_format());
    s.assumptions.push_back({"lora-slots", "Slots for adapters lie beside every linear of the layers; where the model's class wraps its token table and head too, theirs come on top."});
  }

  const std::optional<Bytes> left = left_for_cache(s, parts);
  ServedCache cache = served_cache(s, left);
  const Bytes least = parts.sum() + cache.needed + cache.states;
  const bool starves = left && !s.serving.pool && s.serving.pool_blocks + s.serving.pool_tokens == 0 && cache.concurrency < 1;
  parts[Component::kv_cache] = cache.taken;
  parts[Component::recurrent_state] = cache.states;
  say(s, cache, least, seeing.has_value());

  Document device = device_document(s, parts, "prefill");
  device.set("count", ranks * s.layout.data);
  device.append("neededBytes", least);
  if (starves) device.set("fits", false);
  Document devices = Document::list();
  devices.push(std::move(device));
  Document answer = Document::record(
      {{"ok", true},
       {"scenario", completed(s)},
       {"parameters", Document::record({{"total", total}, {"active", active_parameters(s, tensors)}, {"trainable", 0}})},
       {"devices", std::move(devices)},
       {"modelFile", Document::record({{"tensorBytes", file.file}, {"bitsPerWeight", in(bytes, file.file) * 8 / total}})}});
  if (keeps_rows(s) && cache.known)
    answer.append("kvCache", Document::record({{"bytesPerToken", cache.per_token},
                                               {"bytesPerSequence", cache.per_sequence},
                                               {"bytes", cache.taken * ranks},
                                               {"tokensThatFit", cache.tokens},
                                               {"concurrency", cache.concurrency}}));
  answer.append("quickEstimate", quick_estimate(s, total));
  if (s.detail != Detail::summary) answer.append("explanations", explanations_for_count(s, total));
  answer.append("assumptions", assumptions_document(s));
  return answer;
}

}  // namespace gpumem
