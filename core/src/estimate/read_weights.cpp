// Which format or mix of formats the weights are in.
#include "estimate/scenario.hpp"

namespace gpumem {
namespace {

/// The format a config says its weights are in.
std::string format_of(const Document* config) {
  for (const char* key : {"dtype", "torch_dtype"}) {
    const Document* named = config ? config->find(key) : nullptr;
    if (!named || !named->is(Document::Kind::text)) continue;
    if (named->text() == "float16") return "fp16";
    if (named->text() == "float32") return "fp32";
    if (named->text() == "bfloat16") return "bf16";
  }
  return "bf16";
}

}  // namespace

/// How the weights are stored: as asked for, as the config says its checkpoint is, or in its format.
void read_weights(Fields& fields, Scenario& s) {
  const Format* stored = whole_engine && s.safetensors ? s.safetensors->usual() : nullptr;
  const std::string own = stored == fp32 || stored == fp16 || stored == bf16 ? std::string(stored->id) : format_of(s.config);
  std::string id = own;
  if (const CheckpointQuantization q = whole_engine && s.config ? checkpoint_quantization(*s.config) : CheckpointQuantization(); !q.method.empty()) {
    if (!q.weights.empty()) id = q.weights;
    const std::string given = fields.text({"weights"}, id);
    if (given == q.weights) s.left_alone = q.left_alone;
    if (!fields.has("weights") && s.task == Task::inference && !s.safetensors)
      s.assumptions.push_back({"checkpoint-quantization", q.weights.empty()
          ? text_of({"The checkpoint is quantised by ", quoted(q.method), ", which is not known here; its weights are counted in ", own, "."})
          : text_of({"The config says that its checkpoint is quantised by ", quoted(q.method), ": weights are counted as ", q.weights, "."})});
  }
  s.own_weights = id;
  s.weights = fields.text({"weights"}, id);
  const Mix* mix = find_mix(s.weights);
  if (!mix) return fields.report("weights", "unknown-word", text_of({"must be a number format or a quantisation, such as bf16, fp8, nf4-dq, gptq-4-128 or Q4_K_M; not ", quoted(s.weights)}));
  if (!whole_engine && (mix->gguf || mix->rules > 0)) leave(fields);
  s.mix = mix;
  s.weights = std::string(mix->id);
  s.compute = mix->gguf ? fp16 : own == "fp16" ? fp16 : bf16;
}

/// What does not go together, once weights, engine and task are known.
void check_weights(Fields& fields, Scenario& s) {
  if (s.task == Task::training && s.model && fields.has("weights") && !s.plain() && !trains_on(*s.mix))
    fields.report("weights", "unsupported", text_of({"training on ", quoted(s.weights), " weights is not computed yet"}));
  if (s.engine == "llama.cpp" && !s.mix->gguf) {
    const std::string own = fields.has("weights") ? s.weights : s.weights == "mxfp4" ? "MXFP4_MOE" : format_of(s.config);
    const bool plain = s.plain() || !fields.has("weights");
    const Mix* file = plain ? find_mix(own == "MXFP4_MOE" ? own : own == "fp32" ? "F32" : own == "fp16" ? "F16" : "BF16") : nullptr;
    if (!file) return fields.report("weights", "contradiction", text_of({"llama.cpp reads GGUF file types such as Q4_K_M, not ", quoted(s.weights)}));
    s.mix = file;
    s.weights = std::string(file->id);
    s.compute = fp16;
  }
  if (s.engine == "transformers" && s.mix->gguf && s.model) {
    s.assumptions.push_back({"gguf-unpacked", text_of({"transformers unpacks a GGUF file into the format it computes in; modelFile is the file, the device holds ", s.compute->id, "."})});
  }
}

}  // namespace gpumem
