#include "answers/layouts.hpp"

#include <algorithm>
#include <cmath>

namespace gpumem {
namespace {

/// One way to split: what grows with the number of GPUs, up to `most_inner` of it inside a node, the rest by `outer`.
struct Way {
  std::string_view engine;    ///< that the scenario has
  std::string_view runs_as;   ///< that splits so
  std::string_view inner;
  double most_inner;
  std::string_view outer;     ///< empty: no more than that
  int zero;
};

// What the engine's profile does not compute is refused by the reader, and so never chosen. Of ways with as few GPUs
// the first one is: what is least work comes first.
constexpr Way ways[] = {
    {"llama.cpp", "llama.cpp", "pipeline", 64, "", 0},
    {"vllm", "vllm", "tensor", 8, "pipeline", 0},
    {"vllm", "vllm", "tensor", 1024, "", 0},
    {"sglang", "sglang", "tensor", 8, "pipeline", 0},
    {"sglang", "sglang", "tensor", 1024, "", 0},
    {"tensorrt-llm", "tensorrt-llm", "tensor", 8, "pipeline", 0},
    {"tensorrt-llm", "tensorrt-llm", "tensor", 1024, "", 0},
    {"torch", "fsdp", "data", 1024, "", 3},
    {"fsdp", "fsdp", "data", 1024, "", 2},
    {"fsdp", "fsdp", "data", 1024, "", 3},
    {"fsdp", "fsdp", "tensor", 8, "data", 3},
    {"deepspeed", "deepspeed", "data", 1024, "", 1},
    {"deepspeed", "deepspeed", "data", 1024, "", 2},
    {"deepspeed", "deepspeed", "data", 1024, "", 3},
    {"megatron", "megatron", "data", 1024, "", 1},
    {"megatron", "megatron", "tensor", 8, "pipeline", 0},
};

constexpr double counts[] = {2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 192, 256, 384, 512, 768, 1024};

Document split(std::string_view engine, double tensor, double pipeline, double data, int zero) {
  Document degrees = Document::record();
  degrees.append("tensor", tensor);
  degrees.append("pipeline", pipeline);
  degrees.append("data", data);
  if (zero > 0) degrees.append("zero", zero);
  Document change = change_of("parallel", degrees);
  change.append("hardware", change_of("count", tensor * pipeline * data));
  if (!engine.empty()) change.append("engine", change_of("name", engine));
  return change;
}

std::optional<GpuSplit> laid_out(const Way& way, double gpus) {
  const double inner = std::min(gpus, way.most_inner), outer = gpus / inner;
  if (outer != std::floor(outer) || (outer > 1 && way.outer.empty())) return std::nullopt;
  const auto degree = [&](std::string_view name) { return (way.inner == name ? inner : 1) * (way.outer == name ? outer : 1); };
  GpuSplit layout;
  layout.gpus = gpus;
  layout.change = split(way.runs_as == way.engine ? "" : way.runs_as, degree("tensor"), degree("pipeline"), degree("data"), way.zero);
  layout.degrees = *layout.change.find("parallel");
  return layout;
}

}  // namespace

std::optional<GpuSplit> smallest_layout(const Asker& whole, std::string_view engine, double most) {
  Document alone = whole.request();
  alone.set("parallel", Document::record());
  const Asker asker(alone, whole.facts());
  GpuSplit one;
  one.change = split("", 1, 1, 1, 0);
  one.degrees = *one.change.find("parallel");
  const Reading single = asker.ask(one.change);
  if (single.holds()) return one;
  // Nothing is split better than evenly.
  const double least = single.answered ? in(bytes, single.parts[Component::weights]) / std::max(single.usable, 1.0) : 1;
  for (const double gpus : counts) {
    if (gpus < least || gpus > most) continue;
    for (const Way& way : ways) {
      if (way.engine != engine) continue;
      const std::optional<GpuSplit> layout = laid_out(way, gpus);
      if (layout && asker.ask(layout->change).holds()) return layout;
    }
  }
  return std::nullopt;
}

}  // namespace gpumem
