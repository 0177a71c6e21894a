#include "estimate/overheads.hpp"

#include "engines/vllm/profile.hpp"

namespace gpumem {
namespace {

const catalog::OverheadRow* find_overhead(std::string_view id) {
  for (const catalog::OverheadRow& row : catalog::overheads)
    if (row.id == id) return &row;
  return nullptr;
}

Overhead overhead(std::string_view id, Bytes allocated, bool in_allocator) {
  const catalog::OverheadRow* row = find_overhead(id);
  if (!row) return {};
  return {row->id, row->source,
          {bytes(row->low_bytes) + allocated * row->low_share, bytes(row->expected_bytes) + allocated * row->expected_share,
           bytes(row->high_bytes) + allocated * row->high_share},
          in_allocator};
}

}  // namespace

Bytes outside_allocator() {
  const catalog::OverheadRow* context = find_overhead("cuda-context");
  return bytes(context ? context->expected_bytes : 0);
}

/// Source: [vllm] vllm/v1/worker/gpu_worker.py determine_available_memory: growth outside of PyTorch, and graphs
Bytes serving_overheads(const Scenario& s) {
  const Bytes outside = overhead("vllm-outside-torch", {}, false).band.expected;
  const Bytes several = s.serving.several() ? overhead("nccl-communicator", {}, false).band.expected : Bytes();
  return outside + several + (s.serving.graphs && !vllm::version_of(s.engine_version).before_graph_estimates ? overhead("cuda-graphs-serving", {}, false).band.expected : Bytes());
}

/// The logits in fp32 and what is written over them, where a loss does so.
Bytes rewritten_logits(const Scenario& s) {
  const TrainingScenario& t = s.training;
  if (!whole_engine || s.task != Task::training || !s.model || t.loss.kind != LossPlan::Kind::in_place) return {};
  return bytes(2 * 4 * t.micro_batch * t.sequence_tokens * s.model->vocabulary);
}

/// The pool is one allocation: slack is that of everything else.
DeviceBands bands_around(const Parts& parts, const Scenario& s, Bytes taken) {
  const Bytes allocated = parts.sum();
  const bool served = serves(s.engine), replayed = taken > Bytes();
  const bool training = s.task == Task::training, megatron = s.engine == "megatron";
  const bool sharded = s.engine == "fsdp" || s.engine == "deepspeed";
  const bool hopper = s.device && s.device->compute_capability >= 9 && s.device->compute_capability < 10;
  DeviceBands made;
  if (whole_engine && s.engine == "mlx") {   // Metal: nothing of it was measured
    made.reserved = made.process = {allocated, allocated, allocated};
    return made;
  }
  made.overheads = {
      overhead(training ? (hopper ? "cublas-workspace-training-cc9" : "cublas-workspace-training")
                        : (hopper ? "cublas-workspace-inference-cc9" : "cublas-workspace-inference"),
               allocated, true),
      overhead(megatron ? "allocator-slack-megatron" : sharded && replayed ? "allocator-slack-sharded" : replayed ? "allocator-slack-replayed" : training ? "allocator-slack-training" : "allocator-slack-serving",
               served ? allocated - parts[Component::kv_cache] : allocated, true),
      overhead("cuda-context", allocated, false),
  };
  if (megatron) made.overheads[0].band = {};   // its products' workspaces are among the tensors
  if (replayed) {
    Band& slack = made.overheads[1].band;
    slack.expected += taken - allocated;
    slack.high += taken - allocated;
  }
  if (const Bytes logits = rewritten_logits(s); replayed && !sharded && logits > Bytes())
    made.overheads.push_back(overhead("logits-rewritten-in-place", logits, true));
  if (served && s.serving.graphs) made.overheads.push_back(overhead("cuda-graphs-serving", {}, true));
  if (served ? s.serving.several() : training && s.layout.ranks() > 1) made.overheads.push_back(overhead("nccl-communicator", {}, false));
  made.reserved = made.process = {allocated, allocated, allocated};
  for (Overhead& o : made.overheads) {
    o.band = {whole(o.band.low), whole(o.band.expected), whole(o.band.high)};
    if (o.in_allocator) made.reserved = made.reserved + o.band;
    made.process = made.process + o.band;
  }
  return made;
}

/// A card of the catalog holds back a little of what it shows; a size given by hand is taken at its word.
/// Of memory shared with the processor, a card has what the system lends it.
Bytes usable_memory(const Device& d) {
  if (d.gpu.empty()) return d.memory;
  if (d.usable_share > 0) return whole(d.memory * d.usable_share);
  const catalog::OverheadRow* held_back = find_overhead("driver-reserved");
  return d.reported.value_or(d.memory) - bytes(held_back ? held_back->expected_bytes : 0);
}

}  // namespace gpumem
