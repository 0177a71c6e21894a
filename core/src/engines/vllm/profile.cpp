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

}  // namespace

Parts profiled_peak(const Decoder& m, const ProfilePlan& plan) {
  double inside = 0;
  for (const DecoderLayer& l : m.layers)
    inside = std::max({inside, held_by_attention(l.attention), l.experts ? held_by_experts(*l.experts, m.hidden) : held_by_mlp(l.mlp)});
  const Format& f = *plan.compute;
  const double streams = 2;   // the residual and the sub-layer's input
  const Bytes layer = stored_bytes(elements(plan.tokens * (streams * m.hidden + inside)), f);
  const Bytes last = stored_bytes(elements(plan.tokens * m.hidden), f);
  // As the head makes them, in fp32, sorted with their order, the probabilities of those and which of them stay.
  // Source: [vllm] vllm/v1/sample/ops/topk_topp_sampler.py apply_top_k_top_p_pytorch
  const Elements logits = elements(std::min(plan.requests, plan.tokens) * plan.vocabulary);
  const Bytes choice = stored_bytes(logits, f) + stored_bytes(logits, *fp32) * 3 + stored_bytes(logits, *int64) + stored_bytes(logits, *byte_flag);
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
