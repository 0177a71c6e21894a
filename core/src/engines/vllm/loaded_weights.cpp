#include "engines/vllm/loaded_weights.hpp"

#include <array>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace gpumem::vllm {
namespace {

struct Joined {
  std::string_view part, whole;
};
constexpr std::array<Joined, 7> joined = {{{"q_proj", "qkv_proj"}, {"k_proj", "qkv_proj"}, {"v_proj", "qkv_proj"}, {"gate_proj", "gate_up_proj"},
                                          {"up_proj", "gate_up_proj"}, {"q_a_proj", "qkv_a_proj"}, {"kv_a_proj_with_mqa", "qkv_a_proj"}}};

/// Whether a module of exactly that name is in the path, and where.
std::size_t find_module(std::string_view path, std::string_view module) {
  for (std::size_t at = path.find(module); at != std::string_view::npos; at = path.find(module, at + 1)) {
    const std::size_t end = at + module.size();
    if ((at == 0 || path[at - 1] == '.') && (end == path.size() || path[end] == '.')) return at;
  }
  return std::string_view::npos;
}

std::string joined_name(std::string_view path) {
  std::string name(path);
  for (const Joined& j : joined)
    if (const std::size_t at = find_module(name, j.part); at != std::string::npos) return name.replace(at, j.part.size(), j.whole);
  return name;
}

/// Source: [pytorch-cuda-allocator] kMinLargeAlloc, kRoundLarge, should_split
Bytes block(Bytes size) {
  if (size < mib(10)) return rounded_up(size);
  const Bytes segment = size.rounded_up_to(mib(2));
  return segment - size > mib(1) ? rounded_up(size) : segment;
}

}  // namespace

void pad_experts(StoredTensors& tensors, double hidden, double width) {
  for (StoredTensor& t : tensors) {
    if (t.shape.rank != 3 || t.name.find("experts.") == std::string::npos) continue;
    const double products = in(elements, t.shape.count()) / (t.shape[0] * hidden * width);
    t.shape = {t.shape[0], products * std::ceil(width / 128) * 128, std::ceil(hidden / 256) * 256};
  }
}

Bytes loaded_weights(const std::vector<Alive>& tensors) {
  std::map<std::pair<int, std::string>, Bytes> together;
  Bytes sum;
  for (const Alive& a : tensors) {
    const bool experts = std::string_view(a.label).find("experts.") != std::string_view::npos;
    if (a.layer < 0 && a.copies > 1 && !experts) sum += block(a.raw()) * a.copies;
    else together[{a.layer, joined_name(a.label)}] += a.raw() * a.copies;
  }
  for (const auto& [name, size] : together) sum += block(size);
  return sum;
}

}  // namespace gpumem::vllm
