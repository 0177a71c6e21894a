#include "engines/vllm/cache_specs.hpp"

#include <algorithm>
#include <cmath>

namespace gpumem::vllm {
namespace {

Bytes page(double tokens, double elements_each, const Format& format) { return stored_bytes(elements(elements_each), format) * tokens; }

CacheSpec attention_spec(const SpecPlan& plan, double layers, double heads, double elements_each, double reach, bool chunked) {
  CacheSpec spec;
  spec.kind = reach == 0 ? CacheSpec::Kind::full : chunked ? CacheSpec::Kind::chunk : CacheSpec::Kind::window;
  spec.layers = layers;
  spec.block_tokens = plan.block_tokens;
  spec.reach = reach;
  spec.latent = heads == 0;
  const double held = heads == 0 ? elements_each : elements_each / heads * heads_of_rank(heads, plan.ranks);
  spec.page = page(plan.block_tokens, held, *plan.cache);
  return spec;
}

/// Attention's blocks hold so many tokens that a state fits into one, and states are padded to that.
/// Source: [vllm] vllm/platforms/interface.py _align_hybrid_block_size
void align_pages(std::vector<CacheSpec>& specs, const CacheSpec& state, double block_tokens) {
  Bytes largest;   // of one token
  bool latent = false;
  for (const CacheSpec& s : specs) {
    largest = std::max(largest, s.page * (1 / s.block_tokens));
    latent = latent || s.latent;
  }
  if (specs.empty()) return specs.push_back(state);
  const double step = latent ? std::max(128.0, block_tokens) : block_tokens;
  const double tokens_needed = std::max(block_tokens, step * std::ceil(state.page / (largest * step)));
  for (CacheSpec& s : specs) {
    s.page = s.page * (tokens_needed / s.block_tokens);
    s.block_tokens = tokens_needed;
  }
  specs.push_back(state);
  specs.back().page = largest * tokens_needed;
}

}  // namespace

Bytes state_of_layer(const CacheRow& r, const SpecPlan& plan) {
  const double kept = r.taps > 0 ? r.per_sequence * (r.taps - 1) / r.taps : r.per_sequence;
  return stored_bytes(elements(std::ceil(kept / plan.ranks)), r.single ? *plan.state : *plan.compute);
}

double usual_block(bool latent) { return latent ? 64 : 16; }

double heads_of_rank(double heads, double ranks) { return std::max(1.0, std::floor(heads / ranks)); }

std::vector<CacheSpec> specs_of(const Decoder& model, const SpecPlan& plan) {
  std::vector<CacheSpec> specs;
  for (const DecoderLayer& l : model.layers) {
    const AttentionLayer& a = l.attention;
    if (a.latent) specs.push_back(attention_spec(plan, 1, 0, a.latent->key_rank + a.latent->rotary_dim, a.window, false));
    else specs.push_back(attention_spec(plan, 1, a.kv_heads, 2 * a.kv_heads * a.head_dim, a.window, false));
  }
  return specs;
}

std::vector<CacheSpec> specs_of(const CacheRows& cache, const SpecPlan& plan) {
  std::vector<CacheSpec> specs;
  CacheSpec state;
  state.kind = CacheSpec::Kind::state;
  state.blocks = plan.states_per_request;
  for (const CacheRow& r : cache.rows) {
    if (r.per_token > 0) {
      specs.push_back(attention_spec(plan, r.layers, r.heads, r.per_token, r.window, r.chunked));
      continue;
    }
    state.layers = std::max(state.layers, r.layers);
    state.page += state_of_layer(r, plan);
  }
  if (state.layers > 0) align_pages(specs, state, plan.block_tokens);
  return specs;
}

}  // namespace gpumem::vllm
