#include <algorithm>

#include "architectures/common.hpp"
#include "estimate/scenario.hpp"

namespace gpumem {
namespace {

void read_tensor_split(Fields& options, Scenario& s) {
  const Document* given = options.value({"tensor_split"});
  if (!given) return;
  double sum = 0;
  bool sound = given->is(Document::Kind::list) && given->items().size() <= 1024;
  for (std::size_t i = 0; sound && i < given->items().size(); ++i) {
    const Document& share = given->items()[i];
    sound = share.is(Document::Kind::number) && share.number() >= 0 && share.number() <= 1e15;
    sum += share.number();
    s.llama_cpp.tensor_split.push_back(share.number());
  }
  if (!sound || sum <= 0) return options.report("tensor_split", "wrong-type", "must be a list of shares, one for each GPU");
  s.engine_options.set("tensor_split", *given);
}

}  // namespace

void read_llama_cpp_options(Fields& options, Scenario& s) {
  LlamaCppOptions& l = s.llama_cpp;
  const auto count = [&](const char* name, double& value, double low) {
    if (!options.has(name)) return;
    value = options.count({name}, value, low, most_tokens);
    s.engine_options.set(name, value);
  };
  const auto flag = [&](const char* name, bool& value) {
    if (!options.has(name)) return;
    value = options.flag({name}, false);
    s.engine_options.set(name, value);
  };
  const auto text = [&](const char* name, std::string& value) {
    if (!options.has(name)) return;
    value = options.text({name}, "");
    s.engine_options.set(name, value);
  };
  count("n_gpu_layers", l.gpu_layers, -1);
  count("n_ctx", l.context, 1);
  count("n_parallel", l.slots, 1);
  count("n_cpu_moe", l.expert_layers_on_host, 0);
  count("n_rs_seq", l.rollback, 0);
  flag("cpu_moe", l.experts_on_host);
  flag("no_kv_offload", l.cache_on_host);
  text("cache_type_k", l.cache_keys);
  text("cache_type_v", l.cache_values);
  read_tensor_split(options, s);
  if (options.has("split_mode"))
    s.engine_options.set("split_mode", options.word({"split_mode"}, "layer", {"layer", "row", "none", "tensor"}));
}

void read_llama_cpp_offload(Fields& inference, Scenario& s) {
  LlamaCppOptions& l = s.llama_cpp;
  Fields offload = inference.record("offload");
  l.host_layers = offload.count({"layers"}, 0, 0, most_layers);
  l.experts_on_host = offload.flag({"experts"}, l.experts_on_host) || l.experts_on_host;
  l.cache_on_host = offload.flag({"kvCache"}, l.cache_on_host) || l.cache_on_host;
  offload.refuse_unknown();
}

void check_llama_cpp(Fields& request, const Scenario& s) {
  const LlamaCppOptions& l = s.llama_cpp;
  const double slots = std::max(l.slots, 1.0);
  if (static_cast<double>(l.tensor_split.size()) > l.gpus)
    request.report("engine.options.tensor_split", "contradiction", text_of({"has more shares than there are GPUs, ", number_text(l.gpus), " (parallel.pipeline)"}));
  if (l.slots > 0 && s.inference.sequences > l.slots)
    request.report("inference.sequences", "contradiction", text_of({"cannot be more than the slots of n_parallel, ", number_text(slots)}));
  if (const Document* mode = s.engine_options.find("split_mode"); mode && l.gpus > 1 && mode->text() != "layer")
    request.report("engine.options.split_mode", "unsupported", "only a split by layer is computed so far");
}

}  // namespace gpumem
