// Options of engines whose pool is counted in tokens: SGLang and TensorRT-LLM.

#include "engines/sglang.hpp"
#include "estimate/scenario.hpp"

namespace gpumem {
namespace {

/// Source: [sglang] srt/server_args.py adjust_mem_fraction_for_vlm: fields by these names, or those of a large tower
double share_for_images(const Scenario& s, double share) {
  const Document* tower = s.config ? s.config->find("vision_config") : nullptr;
  if (!tower || !tower->is(Document::Kind::record)) return share;
  const auto field = [&](const char* name, double absent) {
    const Document* given = tower->find(name);
    return given && given->is(Document::Kind::number) ? given->number() : absent;
  };
  return sglang_share_beside_tower(share, field("num_hidden_layers", 24), field("hidden_size", 1024));
}

}  // namespace

void read_token_pool(Fields& o, Scenario& s) {
  ServingScenario& v = s.serving;
  const bool sglang = s.engine == "sglang";
  v.pool_tokens = o.count({sglang ? "max_total_tokens" : "max_tokens"}, 0, 1, 1e12);
  v.block_tokens = o.count({sglang ? "page_size" : "tokens_per_block"}, sglang ? 1 : 32, 1, 1 << 20);
  v.memory_fraction = o.number({sglang ? "mem_fraction_static" : "free_gpu_memory_fraction"}, 0, 0.01, 1);
  if (!sglang) return;
  v.batched_tokens = o.count({"chunked_prefill_size"}, 0, 1, 1e9);
  v.requests = o.count({"cuda_graph_max_bs"}, 0, 1, 1 << 20);
  v.window_share = o.number({"swa_full_tokens_ratio"}, 0.8, 0.001, 1);
  v.state_slots = o.count({"max_mamba_cache_size"}, 0, 1, 1 << 20);
  v.graphs = !o.flag({"disable_cuda_graph"}, false);
  v.state_format = o.word({"mamba_ssm_dtype"}, "float32", {"float32", "bfloat16", "float16"});
}

void complete_token_pool(Scenario& s) {
  ServingScenario& v = s.serving;
  const bool sglang = s.engine == "sglang";
  v.longest = s.inference.context_tokens;
  Document& o = s.engine_options;
  if (v.pool_tokens > 0) o.set(sglang ? "max_total_tokens" : "max_tokens", v.pool_tokens);
  o.set(sglang ? "page_size" : "tokens_per_block", v.block_tokens);
  if (!sglang) {
    if (v.memory_fraction == 0) v.memory_fraction = 0.9;
    if (v.state_format.empty()) v.state_format = "auto";
    o.set("free_gpu_memory_fraction", v.memory_fraction);
    return;
  }
  const SglangTier tier = sglang_tier(s.device ? in(gib, s.device->memory) : 0, v.ranks);
  if (v.batched_tokens == 0) v.batched_tokens = tier.chunk;
  if (v.requests == 0) v.requests = tier.graph_batch;
  s.inference.prefill_tokens = v.batched_tokens;
  if (v.memory_fraction == 0 && s.device) v.memory_fraction = share_for_images(s, sglang_static_share(s.device->memory, v.batched_tokens, v.requests, v.ranks));
  if (v.memory_fraction > 0) o.set("mem_fraction_static", v.memory_fraction);
  o.set("chunked_prefill_size", v.batched_tokens);
  o.set("cuda_graph_max_bs", v.requests);
  o.set("swa_full_tokens_ratio", v.window_share);
  if (v.state_slots > 0) o.set("max_mamba_cache_size", v.state_slots);
  o.set("disable_cuda_graph", !v.graphs);
  o.set("mamba_ssm_dtype", v.state_format);
}

}  // namespace gpumem
