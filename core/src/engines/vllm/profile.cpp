#include "engines/vllm/profile.hpp"

#include <algorithm>

namespace gpumem::vllm {
namespace {

/// Numbers of one token that attention holds besides its input: queries, keys, values and what the heads made. Latent
/// attention expands its keys and values in a prefill.
/// Source: [vllm] vllm/model_executor/models/llama.py LlamaAttention.forward, vllm/model_executor/layers/mla.py
double held_by_attention(const AttentionLayer& a) {
  if (!a.latent) return 2 * a.heads * a.head_dim + 2 * a.kv_heads * a.head_dim;
  const LatentProjection& l = *a.latent;
  return a.heads * (2 * (l.nope_dim + l.rotary_dim) + 2 * l.value_dim) + l.query_rank + l.key_rank;
}

/// Gate and up in one product, and what the activation makes of both.
/// Source: [vllm] vllm/model_executor/layers/activation.py SiluAndMul
double held_by_mlp(const MlpLayer& mlp) { return (mlp.kind == MlpLayer::Kind::plain ? 2 : 3) * mlp.width; }

/// Two buffers for all choices of a token: the first takes the first product and later the second's.
/// Source: [vllm] vllm/model_executor/layers/fused_moe/modular_kernel.py
double held_by_experts(const ExpertsLayer& e, double hidden) {
  return e.top * (std::max(2 * e.width, hidden) + e.width) + 3 * e.shared_width + hidden;
}

/// One drafted token a request: logits of both rows and of the row behind it, that one's in fp32, those of the drafted one in
/// fp32 as they are and as they are worked on, their probabilities, and the random numbers of a second choice.
/// Source: [vllm] vllm/v1/sample/rejection_sampler.py RejectionSampler.forward, rejection_sample, sample_recovered_tokens
Bytes held_by_rejection(Elements logits, const Format& compute) {
  return stored_bytes(logits, compute) * 3 + stored_bytes(logits, *fp32) * 5;
}

/// Logits as the head makes them and in fp32; then their probabilities and the random numbers those are divided by, or
/// their sorted copy and its order, with the pairs and the second buffers that the sort takes.
/// Source: [vllm] vllm/v1/sample/ops/topk_topp_sampler.py; [pytorch] aten/src/ATen/native/cuda/Sort.cu segmented_sort_pairs_by_full_sort
Bytes held_by_choice(Elements logits, const ProfilePlan& plan) {
  const Bytes wide = stored_bytes(logits, *fp32), order = stored_bytes(logits, *int64);
  const Bytes both = stored_bytes(logits, *plan.compute) + wide;
  if (plan.checks_drafts) return held_by_rejection(logits, *plan.compute);
  return plan.sorts ? both + wide * 2 + order * 3 : both + wide * 2;
}

}  // namespace

Version version_of(const std::string& text) {
  Version v;
  const bool numbered = text.rfind("0.", 0) == 0;
  double minor = 0;
  for (std::size_t i = 2; numbered && i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) minor = minor * 10 + (text[i] - '0');
  v.first_engine = text.rfind("V0", 0) == 0 || (numbered && minor < 8);
  v.before_graph_estimates = v.first_engine || text.rfind("V1", 0) == 0 || (numbered && minor < 21);
  for (const char* year : {"2023", "2024", "2025"}) v.before_graph_estimates = v.before_graph_estimates || text.find(year) != std::string::npos;
  return v;
}

Parts profiled_peak(const Decoder& m, const ProfilePlan& plan) {
  double inside = 0;
  for (const DecoderLayer& l : m.layers)
    inside = std::max({inside, held_by_attention(l.attention), l.experts ? held_by_experts(*l.experts, m.hidden) : held_by_mlp(l.mlp)});
  const Format& f = *plan.compute;
  const double streams = plan.compiled ? 2 : 4;   // the residual and the sub-layer's input; what both were before
  const Bytes layer = stored_bytes(elements(plan.tokens * (streams * m.hidden + inside)), f);
  const Bytes last = stored_bytes(elements(plan.tokens * m.hidden), f);
  const Bytes choice = held_by_choice(elements(std::min(plan.requests, plan.tokens) * plan.vocabulary), plan);
  Parts parts;
  if (layer >= last + choice) {
    parts[Component::activations] = layer;
  } else {
    parts[Component::activations] = last;
    parts[Component::logits] = choice;
  }
  return parts;
}

}  // namespace gpumem::vllm
