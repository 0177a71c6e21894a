#pragma once
// What memory is for: the rows of an answer.

#include <array>
#include <cstddef>
#include <string_view>

#include "gpumem/units.hpp"

namespace gpumem {

enum class Component : unsigned char {
  weights,
  kv_cache,
  recurrent_state,
  activations,
  logits,
  gradients,
  optimizer_states,
  workspace,
  rounding,
};
inline constexpr std::size_t component_count = 9;
inline constexpr std::array<std::string_view, component_count> component_ids = {
    "weights",   "kv-cache",         "recurrent-state", "activations", "logits",
    "gradients", "optimizer-states", "workspace",       "rounding"};

/// Bytes by component.
struct Parts {
  std::array<Bytes, component_count> of{};
  Bytes& operator[](Component c) { return of[static_cast<std::size_t>(c)]; }
  const Bytes& operator[](Component c) const { return of[static_cast<std::size_t>(c)]; }
  [[nodiscard]] Bytes sum() const {
    Bytes total;
    for (Bytes b : of) total += b;
    return total;
  }
};

}  // namespace gpumem
