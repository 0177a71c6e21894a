#include "estimate/diffusion.hpp"

namespace gpumem {
namespace {

Document inference_document(const InferenceScenario& i) {
  Document made = Document::record({{"sequences", i.sequences},
                           {"contextTokens", i.context_tokens},
                           {"promptTokens", i.prompt_tokens},
                           {"prefillTokens", i.prefill_tokens},
                           {"kvFormat", i.kv_values.empty() ? Document(i.kv_format) : Document::record({{"key", i.kv_format}, {"value", i.kv_values}})},
                           {"attention", i.attention}});
  if (!whole_engine || i.image_width == 0) return made;
  Document size = Document::list();
  size.push(i.image_width);
  size.push(i.image_height);
  made.append("images", i.images);
  made.append("imageSize", std::move(size));
  return made;
}

Document names_document(const std::vector<std::string>& names) {
  Document list = Document::list();
  for (const std::string& name : names) list.push(name);
  return list;
}

constexpr std::string_view losses[] = {"full", "inplace", "chunked", "fused", "chunked"};

Document rl_document(const RlScenario& rl) {
  Document made = Document::record({{"algorithm", rl.algorithm}, {"completionTokens", rl.completion_tokens},
                                    {"reference", rl.precomputed ? Document("precomputed") : Document(rl.reference)}});
  if (rl.rollout.empty()) return made;
  made.append("groupSize", rl.group_size);
  made.append("rollout", rl.rollout);
  if (rl.rollout != "colocated-vllm") return made;
  made.append("memoryFraction", rl.memory_fraction);
  made.append("sleep", rl.sleeps);
  return made;
}

Document checkpointing_document(const TrainingScenario& t) {
  if (whole_engine && t.checkpointing == "every") return Document::record({{"every", static_cast<double>(t.together)}});
  if (!whole_engine || t.checkpointing != "modules") return t.checkpointing;
  Document names = Document::list();
  if (t.recomputed.attention) names.push("attention");
  if (t.recomputed.mlp) names.push("mlp");
  return Document::record({{"modules", std::move(names)}});
}

Document training_document(const TrainingScenario& t) {
  Document made = Document::record({{"method", t.method},
                           {"precision", t.precision},
                           {"optimizer", t.optimizer},
                           {"optimizerStep", t.optimizer_step},
                           {"microBatch", t.micro_batch},
                           {"sequenceTokens", t.sequence_tokens},
                           {"gradientAccumulation", t.accumulation},
                           {"attention", t.attention},
                           {"checkpointing", checkpointing_document(t)},
                           {"crossEntropy", losses[static_cast<std::size_t>(t.loss.kind)]},
                           {"kernels", t.kernels},
                           {"optimizerInBackward", t.optimizer_in_backward}});
  if (whole_engine && t.method == "prompt") made.append("virtualTokens", t.virtual_tokens);
  else if (t.method != "full")
    made.append("lora", Document::record({{"kind", t.lora.kind},
                                          {"rank", t.lora.rank},
                                          {"blockSize", t.lora.block},
                                          {"targets", names_document(t.lora.targets)},
                                          {"dropout", t.lora.dropout},
                                          {"format", t.lora.format},
                                          {"modulesToSave", names_document(t.lora.modules_to_save)}}));
  if (whole_engine && (t.offload.optimizer || t.offload.activations))
    made.append("offload", Document::record({{"optimizer", t.offload.optimizer}, {"activations", t.offload.activations}}));
  if (whole_engine && t.images > 0) {
    Document size = Document::list();
    size.push(t.image_width);
    size.push(t.image_height);
    made.append("images", t.images);
    made.append("imageSize", std::move(size));
    made.append("vision", std::string(t.vision));
  }
  if (whole_engine && t.averaged) made.append("averagedWeights", true);
  if (whole_engine && t.rl) made.append("rl", rl_document(*t.rl));
  if (whole_engine && !t.state_format.empty()) made.append("optimizerFormat", t.state_format);
  return made;
}

/// Where its parts lie.
void append_llama_cpp(const LlamaCppOptions& l, Document& all) {
  Document inference = *all.find("inference");
  inference.append("offload", Document::record({{"layers", l.host_layers}, {"experts", l.experts_on_host}, {"kvCache", l.cache_on_host}}));
  all.set("inference", std::move(inference));
  if (l.gpus > 1) all.append("parallel", Document::record({{"pipeline", l.gpus}}));
}

/// What of a layout an engine of training reads.
Document layout_document(const RankLayout& l) {
  Document made = Document::record();
  const std::pair<std::string_view, double> degrees[] = {{"data", l.data}, {"tensor", l.tensor}, {"pipeline", l.pipeline}, {"context", l.context},
                                                         {"expert", l.expert}, {"virtualStages", l.virtual_stages}, {"zero", l.zero}};
  for (const auto& [name, ranks] : degrees) made.append(name, ranks);
  made.append("sequenceParallel", l.sequence_parallel);
  made.append("schedule", l.schedule);
  return made;
}

Document model_document(const Scenario& s) {
  if (s.parameters) return Document::record({{"parameters", *s.parameters}});
  if (s.gguf) return Document::record({{"gguf", *s.gguf_given}});
  if (s.safetensors) return Document::record({{"safetensors", *s.safetensors_given}});
  if (!s.model_id.empty()) return Document::record({{"id", s.model_id}});
  return Document::record({{"config", *s.config}});
}

Document draft_document(const Scenario& draft) {
  Document made = model_document(draft);
  made.append("weights", draft.weights);
  return made;
}

}  // namespace

Document completed(const Scenario& s) {
  const bool training = s.task == Task::training;
  Document all = Document::record(
      {{"model", model_document(s)},
       {"task", training ? "training" : "inference"},
       {"weights", s.weights},
       {"engine", Document::record({{"name", s.engine}, {"version", s.engine_version}, {"options", s.engine_options}})}});
  if (s.engine == "megatron") all.append("parallel", layout_document(s.layout));
  if (serves(s.engine) && s.layout.data > 1)
    all.append("parallel", Document::record({{"data", s.layout.data}, {"tensor", s.serving.ranks}}));
  else if (serves(s.engine) && s.layout.pipeline > 1)
    all.append("parallel", Document::record({{"tensor", s.serving.ranks}, {"pipeline", s.layout.pipeline}}));
  else if (s.serving.ranks > 1)
    all.append("parallel", Document::record({{"tensor", s.serving.ranks}}));
  if (whole_engine && (s.engine == "fsdp" || s.engine == "deepspeed" || (s.engine == "torch" && s.layout.data > 1)))
    all.append("parallel", parallel_document(s.engine, s.layout));
  if (training)
    all.append("training", training_document(s.training));
  else
    all.append("inference", whole_engine && s.pipeline ? pipeline_inference_document(s) : inference_document(s.inference));
  if (whole_engine && s.engine == "llama.cpp") append_llama_cpp(s.llama_cpp, all);
  if (s.device) {
    Document hardware = Document::record();
    if (s.device->gpu.empty())
      hardware.append("memory", s.device->memory);
    else
      hardware.append("gpu", s.device->gpu);
    hardware.append("count", s.device->count);
    all.append("hardware", std::move(hardware));
  }
  if (s.speed.asked) {
    Document shares = Document::record();
    if (s.speed.bandwidth_share > 0) shares.append("bandwidthShare", s.speed.bandwidth_share);
    if (s.speed.compute_share > 0) shares.append("computeShare", s.speed.compute_share);
    all.append("throughput", std::move(shares));
  }
  if (s.draft) {
    Document inference = *all.find("inference");
    inference.append("draft", draft_document(*s.draft));
    all.set("inference", std::move(inference));
  }
  if (s.bytes_per_sample) all.append("quick", Document::record({{"bytesPerSample", *s.bytes_per_sample}}));
  all.append("detail", s.detail == Detail::summary ? "summary" : s.detail == Detail::tensors ? "tensors" : "timeline");
  all.append("questions", names_document(s.questions));
  return all;
}

}  // namespace gpumem
