#include "quantization/mix.hpp"

#include <algorithm>
#include <cmath>

namespace gpumem {
namespace {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_but_for_capitals(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

const Format* row(int index) { return index < 0 ? nullptr : &catalog::formats[index]; }

}  // namespace

const Mix* find_mix(std::string_view id) {
  for (const Mix& mix : catalog::mixes)
    if (mix.id == id) return &mix;
  for (const Mix& mix : catalog::mixes)
    if (same_but_for_capitals(mix.id, id)) return &mix;
  return nullptr;
}

const Format* chosen_format(const Mix& mix, std::uint32_t roles, std::uint32_t conditions) {
  for (int i = 0; i < mix.rules; ++i) {
    const catalog::MixRule& rule = catalog::mix_rules[mix.first_rule + i];
    if ((rule.tensors & roles) && (rule.conditions & conditions) == rule.conditions) return row(rule.format);
  }
  return row(mix.base);
}

const Format* base_format(const Mix& mix) { return row(mix.base); }

bool trains_on(const Mix& mix) { return mix.id == "nf4" || mix.id == "nf4-dq" || mix.id.starts_with("gptq-"); }

const Format* fitting_format(const Format* format, double columns) {
  if (std::fmod(columns, format->block_elements) == 0) return format;
  const Format* other = row(format->fallback);
  return other && std::fmod(columns, other->block_elements) == 0 ? other : fp16;
}

}  // namespace gpumem
