// Reads how the model is spread over GPUs, and says which of it an engine's profile does not compute.
#include "estimate/scenario.hpp"

namespace gpumem {
namespace {

constexpr std::string_view degrees[] = {"data", "tensor", "pipeline", "context", "expert", "virtualStages"};

/// Whether the engine's profile knows what this split does.
bool computes(std::string_view engine, std::string_view split) {
  if (engine == "llama.cpp") return split == "pipeline";
  if (engine == "megatron") return true;
  return serves(engine) && split == "tensor";
}

void read_fsdp(Fields& parallel, RankLayout& l) {
  Fields fsdp = parallel.record("fsdp");
  l.fsdp_version = static_cast<int>(fsdp.count({"version"}, 2, 1, 2));
  l.reshard_after_forward = fsdp.flag({"reshardAfterForward"}, true);
  l.backward_prefetch = fsdp.word({"backwardPrefetch"}, "pre", {"pre", "post", "none"});
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
  l.zero = static_cast<int>(parallel.count({"zero"}, 0, 0, 3));
  if (l.zero > 0 && !computes(s.engine, "zero")) parallel.report("zero", "unsupported", text_of({"is not computed for ", s.engine, " so far"}));
  l.shard_group = parallel.count({"shardGroup"}, l.data, 1, 1 << 20);
  l.sequence_parallel = parallel.flag({"sequenceParallel"}, true);
  l.schedule = parallel.word({"schedule"}, "1f1b", {"gpipe", "1f1b", "interleaved", "zb-h1", "zb-h2", "zbv", "dualpipe"});
  read_fsdp(parallel, l);
  parallel.refuse_unknown();
  if (s.engine == "llama.cpp" && l.pipeline > 64) request.report("parallel.pipeline", "out-of-range", "must be at most 64 under llama.cpp");
  if (serves(s.engine) && l.tensor > 1 << 10) request.report("parallel.tensor", "out-of-range", "must be at most 1024 where a model is served");
  if (s.engine == "llama.cpp") s.llama_cpp.gpus = l.pipeline;
  if (serves(s.engine)) s.serving.ranks = l.tensor;
}

}  // namespace gpumem
