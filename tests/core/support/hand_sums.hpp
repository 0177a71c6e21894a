#pragma once
// A small model of Llama's kind, and its bytes as sums worked by hand.

#include "models.hpp"

namespace gpumem::test {

inline constexpr double T = 128;
inline const Sizes sizes = {.h = 256, .f = 1024, .a = 4, .k = 2, .d = 128, .v = 512};
inline constexpr double random_states = 2 * 512;

inline double rounded(double b) { return in(bytes, rounded_up(bytes(b))); }
inline double plain(const Sizes& z) { return 16 * z.h + 4 * z.a * z.d + 4 * z.k * z.d + 8 * z.f + 4 * z.a + 8; }
inline double matrices(const Sizes& z) { return 2 * z.h * z.a * z.d + 2 * z.h * z.k * z.d + 3 * z.h * z.f; }
inline double of_layer(const Sizes& z) { return matrices(z) + 2 * z.h; }
inline double of_model(const Sizes& z, double layers, bool tied = false) {
  return layers * of_layer(z) + z.h + (tied ? 1 : 2) * z.v * z.h;
}
/// Two copies of the rotary frequencies, smaller than the smallest allocation.
inline constexpr double buffers = 2 * 512;

}  // namespace gpumem::test
