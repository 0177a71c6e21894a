// Source: [llama-cpp-quantizer] llama_tensor_get_type_impl; the rules themselves are rows of catalog/quantizations

#include "quantization/gguf_types.hpp"

#include <algorithm>
#include <cmath>

namespace gpumem {
namespace {

struct LargeClass {
  std::string_view type;
  bool grouped;   ///< only with fewer key heads than heads
};

/// Families whose 80-layer model counts as "70B"; llama.cpp reads the first three as one architecture.
/// Source: [llama-cpp-quantizer] LLM_TYPE_70B; [llama-cpp-conversion] models that are written as architecture llama
constexpr LargeClass large[] = {{"llama", true}, {"mistral", true}, {"mixtral", true}, {"qwen2", false}, {"olmo", false}, {"nemotron-nas", false}};
constexpr double large_layers = 80;

bool is_large(const GgufModel& m) {
  if (m.layers != large_layers) return false;
  for (const LargeClass& c : large)
    if (c.type == m.type) return !c.grouped || m.heads != m.kv_heads;
  return false;
}

std::uint32_t model_conditions(const std::vector<GgufTensor>& tensors, const GgufModel& m, GgufMaking making) {
  const bool attends = std::any_of(tensors.begin(), tensors.end(), [](const GgufTensor& t) { return t.layer == 0 && t.name.starts_with("attn_"); });
  std::uint32_t all = 0;
  const auto set = [&](bool holds, std::uint32_t condition) { all |= holds ? condition : 0; };
  set(m.experts > 1, when::experts);
  set(m.experts >= 4, when::experts_4);
  set(m.experts == 8, when::experts_8);
  set(attends && m.kv_heads > 0 && std::floor(m.heads / m.kv_heads) >= 4, when::gqa_4);
  set(is_large(m), when::class_70b);
  set(m.type == "falcon", when::falcon);
  set(making.imatrix, when::imatrix);
  set(making.before_2026, when::before_2026);
  return all;
}

/// Where the tensor number i of n stands among those of its role.
std::uint32_t place(double i, double n) {
  const double eighth = std::floor(n / 8), last = std::floor(7 * n / 8);
  std::uint32_t all = 0;
  if (i < 2) all |= when::first_2;
  if (i < 4) all |= when::first_4;
  if (i < std::floor(n / 16)) all |= when::first_sixteenth;
  if (i < eighth) all |= when::first_eighth;
  if (i >= eighth && i < last) all |= when::middle;
  if (i < eighth || i >= last || std::fmod(i - eighth, 3) == 2) all |= when::more_bits;
  return all;
}

}  // namespace

std::vector<const Format*> gguf_types(const std::vector<GgufTensor>& tensors, const GgufModel& m, const Mix& mix, GgufMaking making) {
  constexpr std::uint32_t values = role::value | role::joint;
  const std::uint32_t always = model_conditions(tensors, m, making);
  const Format* base = base_format(mix);
  const bool tied = std::none_of(tensors.begin(), tensors.end(), [](const GgufTensor& t) { return (t.roles & role::head) != 0; });
  double value_tensors = 0;
  for (const GgufTensor& t : tensors) value_tensors += (t.roles & values) && !t.single ? 1 : 0;
  struct Counter {
    std::uint32_t roles;
    double n, seen;
  };
  Counter counters[] = {{values, value_tensors, 0}, {role::up, m.layers, 0}, {role::gate, m.layers, 0}, {role::down, m.layers, 0}};
  std::vector<const Format*> types;
  for (const GgufTensor& t : tensors) {
    const bool unquantised = t.name == "indexer.proj" && base->block_elements == 1;   // conversion keeps it, the quantiser does not
    if (t.single || unquantised) {
      types.push_back(fp32);
      continue;
    }
    std::uint32_t roles = t.roles, holds = always;
    if (tied && (roles & role::embedding)) roles = role::head;
    if (std::fmod(t.shape[-1], base->block_elements) != 0) holds |= when::uneven_rows;
    for (Counter& c : counters) {
      if (!(c.roles & roles)) continue;
      const bool by_layer = m.experts > 1 && !(roles & values);
      holds |= place(by_layer ? t.layer : c.seen, c.n);
      if (c.seen < std::floor(c.n / 8)) holds |= when::first_eighth_seen;
      ++c.seen;
    }
    types.push_back(fitting_format(chosen_format(mix, roles, holds), t.shape[-1]));
  }
  return types;
}

}  // namespace gpumem
