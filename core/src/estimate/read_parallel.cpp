// Reads how the model is spread over GPUs, and says which of it an engine's profile does not compute.
#include <cmath>

#include "estimate/scenario.hpp"

namespace gpumem {
namespace {

constexpr std::string_view degrees[] = {"data", "tensor", "pipeline", "context", "expert", "virtualStages"};

/// What an engine's profile knows how to split; without a name, everything.
struct Splits {
  std::string_view engine, split;
};
constexpr Splits computed[] = {
    {"llama.cpp", "pipeline"},
    {"torch", "data"},
    {"deepspeed", "data"},
    {"deepspeed", "zero"},
    {"fsdp", "data"},
    {"fsdp", "zero"},
    {"fsdp", "tensor"},
    {"megatron", ""},
    {"vllm", "data"},
    {"vllm", "expert"},
    {"vllm", "pipeline"},
};

bool computes(std::string_view engine, std::string_view split) {
  for (const Splits& row : computed)
    if (row.engine == engine && (row.split == split || row.split.empty())) return true;
  return serves(engine) && split == "tensor";
}

void read_fsdp(Fields& parallel, RankLayout& l) {
  Fields fsdp = parallel.record("fsdp");
  l.fsdp_version = static_cast<int>(fsdp.count({"version"}, l.fsdp_version, 1, 2));
  const bool kept = l.zero == 2;   // FSDP's SHARD_GRAD_OP
  l.reshard_after_forward = fsdp.flag({"reshardAfterForward"}, !kept);
  if (kept && l.reshard_after_forward) fsdp.report("reshardAfterForward", "contradiction", "must be false where \"zero\" is 2: weights stay whole until backward");
  l.backward_prefetch = fsdp.word({"backwardPrefetch"}, l.backward_prefetch, {"pre", "post", "none"});
  fsdp.refuse_unknown();
}

}  // namespace

void read_parallel(Fields& request, Scenario& s) {
  Fields parallel = request.record("parallel");
  RankLayout& l = s.layout;
  double* const read[] = {&l.data, &l.tensor, &l.pipeline, &l.context, &l.expert, &l.virtual_stages};
  for (std::size_t i = 0; i < std::size(degrees); ++i) {
    *read[i] = parallel.count({degrees[i]}, 1, 1, 1 << 20);
    if (*read[i] > 1 && !computes(s.engine, degrees[i]))
      parallel.report(degrees[i], "unsupported", text_of({"is not computed for ", s.engine, " so far"}));
  }
  const bool zero = computes(s.engine, "zero");
  l.zero = static_cast<int>(parallel.count({"zero"}, s.engine == "fsdp" ? 3 : 0, 0, 3));
  if (l.zero > 0 && !zero) parallel.report("zero", "unsupported", text_of({"is not computed for ", s.engine, " so far"}));
  l.shard_group = parallel.count({"shardGroup"}, l.data, 1, 1 << 20);
  if (l.shard_group > l.data || std::fmod(l.data, l.shard_group) != 0)
    parallel.report("shardGroup", "contradiction", "must divide the number of data-parallel ranks");
  l.sequence_parallel = parallel.flag({"sequenceParallel"}, true);
  l.schedule = parallel.word({"schedule"}, "1f1b", {"gpipe", "1f1b", "interleaved", "zb-h1", "zb-h2", "zbv", "dualpipe"});
  read_fsdp(parallel, l);
  parallel.refuse_unknown();
  complete_sharding(request, s);
  if (s.engine == "llama.cpp" && l.pipeline > 64) request.report("parallel.pipeline", "out-of-range", "must be at most 64 under llama.cpp");
  if (serves(s.engine) && l.tensor > 1 << 10) request.report("parallel.tensor", "out-of-range", "must be at most 1024 where a model is served");
  if (s.engine == "vllm" && l.pipeline > 1) {
    if (!s.model) request.report("parallel.pipeline", "unsupported", "stages are computed for models with a program of their own");
    else if (l.pipeline > static_cast<double>(s.model->layers.size())) request.report("parallel.pipeline", "contradiction", "cannot be more than the model's layers");
  }
  if (s.engine == "llama.cpp") s.llama_cpp.gpus = l.pipeline;
  if (serves(s.engine)) s.serving.ranks = l.tensor;
}

}  // namespace gpumem
