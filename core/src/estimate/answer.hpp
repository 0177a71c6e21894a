#pragma once
// An estimate as a document.

#include "estimate/overheads.hpp"
#include "estimate/run.hpp"

namespace gpumem {

/// The answer to a request, or its issues; its questions are not asked yet.
Document answer_once(const Document& request, const Document& facts);

/// The whole answer for a scenario whose model was run.
Document answer_for(const Scenario& scenario, const Run& run);

/// The whole answer for a bare parameter count: what is proportional to weights.
Document answer_for_count(const Scenario& scenario);

/// The whole answer for a model whose weights are known one by one and whose program is not.
Document answer_for_inventory(const Scenario& scenario);

/// The whole answer under llama.cpp: what lies on each GPU and in main memory.
Document answer_for_llama_cpp(const Scenario& scenario);

/// mlx-lm, ExLlamaV2 and V3: weights and cache.
Document answer_for_local(const Scenario& scenario);

/// The whole answer for an engine that takes a pool for its cache before the first request.
Document answer_for_served(const Scenario& scenario);
/// The same where the model is cut into the stages of a pipeline: one device for each.
Document answer_for_stages(const Scenario& scenario);

/// The whole answer for training under Megatron-LM: one device for each stage of the pipeline.
Document answer_for_megatron(const Scenario& scenario);

/// One device: components, bands, and whether it fits. Main memory ("host") has no overheads and no limit.
/// `taken`: what PyTorch's allocator takes from the driver, where the run was replayed on it.
Document device_document(const Scenario& scenario, const Parts& parts, std::string_view peak_phase, std::string_view role = "gpu", Bytes taken = {});

/// What is alive at a run's peak, largest first.
Document tensors_document(const Run& run, int layers);

/// The highest moment of every stretch of the step.
Document timeline_document(const Scenario& scenario, const Run& run, int layers);

/// Bytes by component.
Document parts_document(const Parts& parts);

Document assumptions_document(const Scenario& scenario);

}  // namespace gpumem
