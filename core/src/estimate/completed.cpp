#include "estimate/diffusion.hpp"

namespace gpumem {
namespace {

Document inference_document(const InferenceScenario& i) {
  return Document::record({{"sequences", i.sequences},
                           {"contextTokens", i.context_tokens},
                           {"promptTokens", i.prompt_tokens},
                           {"prefillTokens", i.prefill_tokens},
                           {"kvFormat", i.kv_values.empty() ? Document(i.kv_format) : Document::record({{"key", i.kv_format}, {"value", i.kv_values}})},
                           {"attention", i.attention}});
}

Document names_document(const std::vector<std::string>& names) {
  Document list = Document::list();
  for (const std::string& name : names) list.push(name);
  return list;
}

constexpr std::string_view losses[] = {"full", "inplace", "chunked", "fused"};

Document training_document(const TrainingScenario& t) {
  Document made = Document::record({{"method", t.method},
                           {"precision", t.precision},
                           {"optimizer", t.optimizer},
                           {"optimizerStep", t.optimizer_step},
                           {"microBatch", t.micro_batch},
                           {"sequenceTokens", t.sequence_tokens},
                           {"gradientAccumulation", t.accumulation},
                           {"attention", t.attention},
                           {"checkpointing", t.checkpointing},
                           {"crossEntropy", losses[static_cast<std::size_t>(t.loss.kind)]},
                           {"kernels", t.kernels},
                           {"optimizerInBackward", t.optimizer_in_backward}});
  if (t.method != "full")
    made.append("lora", Document::record({{"rank", t.lora.rank},
                                          {"targets", names_document(t.lora.targets)},
                                          {"dropout", t.lora.dropout},
                                          {"format", t.lora.format},
                                          {"modulesToSave", names_document(t.lora.modules_to_save)}}));
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

}  // namespace

Document completed(const Scenario& s) {
  const bool training = s.task == Task::training;
  Document all = Document::record(
      {{"model", model_document(s)},
       {"task", training ? "training" : "inference"},
       {"weights", s.weights},
       {"engine", Document::record({{"name", s.engine}, {"version", s.engine_version}, {"options", s.engine_options}})}});
  if (s.engine == "megatron") all.append("parallel", layout_document(s.layout));
  if (s.serving.ranks > 1) all.append("parallel", Document::record({{"tensor", s.serving.ranks}}));
  if (s.engine == "fsdp") all.append("parallel", parallel_document(s.layout));
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
  if (s.bytes_per_sample) all.append("quick", Document::record({{"bytesPerSample", *s.bytes_per_sample}}));
  all.append("detail", s.detail == Detail::summary ? "summary" : s.detail == Detail::tensors ? "tensors" : "timeline");
  all.append("questions", names_document(s.questions));
  return all;
}

}  // namespace gpumem
