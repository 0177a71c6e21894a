#include "estimate/weights_of.hpp"

#include "placement/pipeline_stages.hpp"
#include "quantization/program_tensors.hpp"

namespace gpumem {
namespace {

/// llama.cpp's rules go by layer: an entry for each.
StoredTensors inventory_tensors(const Inventory& inventory) {
  StoredTensors all;
  for (const HeldTensor& t : inventory.tensors) {
    if (t.by_layer.empty()) all.push_back({t.name, t.shape, -1, t.copies});
    for (const auto& [layer, copies] : t.by_layer) all.push_back({t.name, t.shape, layer, copies});
  }
  return all;
}

StoragePlan plan_of(const Scenario& s) {
  StoragePlan plan;
  plan.mix = s.mix;
  plan.compute = s.weight_format();
  plan.config = s.config;
  plan.left_alone = s.left_alone;
  plan.making = {s.imatrix, before_2026(s.engine_version)};
  plan.embedding_on_host = s.engine == "llama.cpp";
  plan.packs_head = s.litgpt && s.mix->unpacked;
  return plan;
}

}  // namespace

StoredTensors tensors_of(const Scenario& s) {
  const bool programmed = s.model && !(s.reader && s.inventory);
  StoredTensors all = programmed ? program_tensors(*s.model) : inventory_tensors(*s.inventory);
  if (programmed && !(s.serving.first_stage && s.serving.last_stage))
    leave_out_of_stage(all, s.serving.first_stage || (s.serving.last_stage && s.model->tied), s.serving.last_stage);
  return all;
}

bool before_2026(const std::string& version) {
  for (const std::string_view year : {"2023", "2024", "2025"})
    if (version.find(year) != std::string::npos) return true;
  return false;
}

StoredWeights weights_of(const Scenario& s) {
  if (s.as_stored) return weights_as_stored(s.safetensors->tensors, s.safetensors->formats, s.model && s.model->tied);
  return weights_of(s, tensors_of(s));
}

StoredWeights weights_of(const Scenario& s, const StoredTensors& tensors) { return stored_weights(tensors, plan_of(s)); }

double active_parameters(const Scenario& s, const StoredTensors& tensors) {
  if (s.inventory) return s.inventory->active();
  double used = 1, sum = 0;
  for (const DecoderLayer& l : s.model->layers)
    if (l.experts) used = l.experts->top / l.experts->experts;
  for (const StoredTensor& t : tensors)
    sum += in(elements, t.shape.count()) * t.copies * (t.name.find(".experts.") != std::string::npos ? used : 1);
  return sum;
}

GgufFile file_of(const Scenario& s) { return gguf_file(tensors_of(s), plan_of(s)); }

}  // namespace gpumem
