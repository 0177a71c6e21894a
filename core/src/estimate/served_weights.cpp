#include "estimate/served_weights.hpp"

#include <algorithm>

#include "engines/vllm/eagle.hpp"
#include "engines/vllm/loaded_weights.hpp"
#include "estimate/weights_of.hpp"
#include "placement/tensor_parallel.hpp"

namespace gpumem {
namespace {

/// Turning tables for every position, in the format the model computes in: a buffer that engines load with the weights.
/// Source: [vllm] vllm/model_executor/layers/rotary_embedding/base.py _compute_cos_sin_cache
Bytes rotary_tables(const Scenario& s) {
  double positions = s.cache_rows.positions, dim = s.cache_rows.rotary_dim, tables = 1;
  if (s.model) {
    positions = s.model->max_positions;
    dim = 0;
    tables = s.model->rotary_by_window ? 2 : 1;
    for (const DecoderLayer& l : s.model->layers)
      if (l.attention.rotary != AttentionLayer::Rotary::none) dim = l.attention.rotary_dim;
  }
  return stored_bytes(elements(positions * dim * tables), *s.weight_format());
}

/// One GPU's tensors in the scenario's formats, as the engine holds them.
Bytes loaded(const Scenario& s, StoredTensors tensors, const std::optional<Decoder>& rank) {
  const bool padded = s.engine == "vllm" && rank && base_format(*s.mix) && base_format(*s.mix)->id == "mxfp4";
  if (padded)
    for (const DecoderLayer& l : rank->layers)
      if (l.experts) {
        vllm::pad_experts(tensors, rank->hidden, l.experts->width);
        break;
      }
  return vllm::loaded_weights(weights_of(s, tensors).tensors);
}

double widest_heads(const Scenario& s) {
  double heads = 0;
  for (const CacheRow& r : s.cache_rows.rows) heads = std::max(heads, r.heads);
  return heads;
}

}  // namespace

ExpertLayout expert_layout(const Scenario& s) {
  const Document* whole = s.engine_options.find("enable_expert_parallel");
  return {s.serving.ranks, s.layout.data, whole && whole->truth()};
}

Bytes weights_of_gpu(const Scenario& rank, const StoredTensors& whole) {
  const ExpertLayout layout = expert_layout(rank);
  return loaded(rank, rank.model ? tensors_of_replica(tensors_of(rank), layout) : tensors_of_replica(whole, layout, widest_heads(rank)), rank.model) + rotary_tables(rank);
}

/// Source: [vllm] vllm/v1/spec_decode/llm_base_proposer.py SpecDecodeBaseProposer.__init__
Bytes draft_rows(const Scenario& s, double hidden) { return stored_bytes(elements(2 * s.serving.batched_tokens * hidden), *s.weight_format()); }

namespace {

std::optional<vllm::EagleHead> eagle_head(const Scenario& s) {
  std::vector<Issue> told;   // its fields were checked as the draft was read
  Fields config(s.config, "model.config", told);
  return vllm::read_eagle_head(config);
}

}  // namespace

void hold_draft(const Scenario& s, Parts& parts) {
  Scenario draft = *s.draft;
  const StoredTensors whole = tensors_of(draft);
  if (draft.model) draft.model = decoder_of_rank(*draft.model, s.serving.ranks);
  parts[Component::weights] += weights_of_gpu(draft, whole);
  if (!draft.model) return;
  parts[Component::workspace] += draft_rows(s, draft.model->hidden);
  const std::optional<vllm::EagleHead> head = eagle_head(draft);
  if (!head) return;
  parts[Component::weights] += vllm::beside_eagle_layers(*head, *draft.model, *draft.weight_format());
  parts[Component::activations] += vllm::states_for_eagle(*head, s.serving.batched_tokens, s.model ? s.model->hidden : 0, *s.weight_format());
}

}  // namespace gpumem
