#pragma once
// What one GPU of an engine with a pool loads: its part of the model, and a draft beside it.

#include "estimate/scenario.hpp"
#include "machine/component.hpp"
#include "placement/expert_replicas.hpp"
#include "quantization/stored_weights.hpp"

namespace gpumem {

/// How experts lie on the GPUs of all replicas.
ExpertLayout expert_layout(const Scenario& scenario);

/// The model's weights on one GPU; `rank` has that GPU's decoder where the program is known.
Bytes weights_of_gpu(const Scenario& rank, const StoredTensors& whole);

/// The two rows of a token that a draft's passes read.
Bytes draft_rows(const Scenario& scenario, double hidden);

/// A draft of speculative decoding, cut as the large model is.
void hold_draft(const Scenario& scenario, Parts& parts);

}  // namespace gpumem
