// Options of trainings whose parameters are spread over ranks, by the names that PyTorch and accelerate give them.
#include "estimate/scenario.hpp"

namespace gpumem {
namespace {

/// A number format by the name of its torch dtype.
std::string read_dtype(Fields& options, std::string_view name) {
  const std::string dtype = options.word({name}, "", {"float32", "bfloat16", "float16"});
  if (dtype.empty()) return "";
  return dtype == "float32" ? "fp32" : dtype == "bfloat16" ? "bf16" : "fp16";
}

std::string dtype_of(std::string_view format) {
  return format == "fp32" ? "float32" : format == "bf16" ? "bfloat16" : "float16";
}

}  // namespace

void read_sharding_options(Fields& options, Scenario& s) {
  if (s.engine != "fsdp") return;
  s.training.sharding.gathered = read_dtype(options, "mixed_precision_param");
  s.training.sharding.reduced = read_dtype(options, "mixed_precision_reduce");
  s.layout.fsdp_version = static_cast<int>(options.count({"fsdp_version"}, 2, 1, 2));
}

/// Source: [pytorch-fsdp2] torch/distributed/fsdp/_fully_shard/_fsdp_api.py MixedPrecisionPolicy
void complete_sharding(Fields& request, Scenario& s) {
  if (s.engine != "fsdp") return;
  ShardingScenario& o = s.training.sharding;
  const bool mixed = s.training.precision == "bf16";
  if (o.gathered.empty()) o.gathered = mixed ? "bf16" : s.weights;
  if (o.reduced.empty()) o.reduced = "fp32";
  s.engine_options.set("mixed_precision_param", dtype_of(o.gathered));
  s.engine_options.set("mixed_precision_reduce", dtype_of(o.reduced));
  s.engine_options.set("fsdp_version", static_cast<double>(s.layout.fsdp_version));
  const auto no = [&](const char* path, std::string_view what) {
    request.report(path, "unsupported", text_of({what, " is not computed for fsdp so far"}));
  };
  if (!s.model) no("model", "a model without a program of a decoder");
  if (s.training.optimizer_in_backward) no("training.optimizerInBackward", "a step inside backward");
  if (s.training.method == "qlora") no("training.method", "a base in 4 bits");
  if (s.layout.fsdp_version != 2) no("parallel.fsdp.version", "version 1");
}

Document parallel_document(const RankLayout& l) {
  return Document::record({{"data", l.data},
                           {"zero", static_cast<double>(l.zero)},
                           {"shardGroup", l.shard_group},
                           {"fsdp", Document::record({{"version", static_cast<double>(l.fsdp_version)},
                                                      {"reshardAfterForward", l.reshard_after_forward},
                                                      {"backwardPrefetch", l.backward_prefetch}})}});
}

}  // namespace gpumem
