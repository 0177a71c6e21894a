#pragma once
#include "estimate/answer.hpp"

namespace gpumem {

void read_pipeline_model(Fields& config, const Document& facts, Scenario& scenario);
void read_pipeline_engine(Fields& request, Scenario& scenario);
void read_pipeline_inference(Fields& inference, Scenario& scenario);
/// `inference` of a completed scenario with a pipeline.
Document pipeline_inference_document(const Scenario& scenario);

/// The whole answer for a diffusion pipeline.
Document answer_for_pipeline(const Scenario& scenario);

}  // namespace gpumem
