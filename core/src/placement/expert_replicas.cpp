#include "placement/expert_replicas.hpp"

#include <cmath>

#include "placement/tensor_parallel.hpp"

namespace gpumem {
namespace {

bool is_expert(const StoredTensor& t) { return t.name.find("experts.") != std::string::npos && t.name.find("shared_expert") == std::string::npos; }

}  // namespace

/// Source: [vllm] vllm/model_executor/layers/fused_moe/config.py FusedMoEParallelConfig.make; the experts that all tokens pass
/// are whole where tokens are spread over the GPUs of a replica: vllm/config/parallel.py use_sequence_parallel_moe
Decoder decoder_of_replica(const Decoder& model, const ExpertLayout& layout) {
  Decoder made = decoder_of_rank(model, layout.tensor);
  const bool spread = layout.whole && layout.tensor > 1 && layout.data > 1;
  for (std::size_t i = 0; i < made.layers.size(); ++i) {
    if (!made.layers[i].experts) continue;
    ExpertsLayer& e = *made.layers[i].experts;
    const ExpertsLayer& all = *model.layers[i].experts;
    e.width = layout.whole ? all.width : std::ceil(all.width / layout.ranks());
    if (spread) e.shared_width = all.shared_width;
  }
  return made;
}

StoredTensors tensors_of_replica(StoredTensors tensors, const ExpertLayout& layout) {
  for (StoredTensor& t : tensors) {
    if (!layout.whole || !is_expert(t)) continue;
    double& count = t.shape.rank > 2 ? t.shape[0] : t.copies;
    count = std::ceil(count / layout.ranks());
  }
  return tensors;
}

StoredTensors tensors_of_replica(const StoredTensors& whole, const ExpertLayout& layout, double kv_heads) {
  StoredTensors experts, others;
  for (const StoredTensor& t : whole) (is_expert(t) ? experts : others).push_back(t);
  StoredTensors made = tensors_of_rank(std::move(others), layout.tensor, kv_heads);
  experts = layout.whole ? tensors_of_replica(std::move(experts), layout) : tensors_of_rank(std::move(experts), layout.ranks(), kv_heads);
  made.insert(made.end(), experts.begin(), experts.end());
  return made;
}

}  // namespace gpumem
