#pragma once
// DeepSpeed's ways to keep of everything a part on each data-parallel rank.

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "machine/machine.hpp"
#include "placement/zero_options.hpp"

namespace gpumem {

struct ZeroPlan {
  double ranks = 1;
  int stage = 1;
  bool offload_optimizer = false, offload_parameters = false, pinned = true;
  bool accumulating = false;        ///< gradients of earlier micro-batches are there
  bool checkpointing = false;       ///< layers run forward again in backward
  ZeroOptions options;
};

/// Flat buffers of the trained: in one format, for DeepSpeed casts the model to it.
inline double trained_numbers(const std::vector<Parameter>& rows) {
  double sum = 0;
  for (const Parameter& p : rows)
    if (p.trainable) sum += in(elements, p.shape.count());
  return sum;
}
inline double largest_trained(const std::vector<Parameter>& rows) {
  double most = 0;
  for (const Parameter& p : rows)
    if (p.trainable) most = std::max(most, in(elements, p.shape.count()));
  return most;
}
inline const Format* trained_format(const std::vector<Parameter>& rows) {
  for (const Parameter& p : rows)
    if (p.trainable) return p.format;
  return bf16;
}
/// A gradient's norm is summed in fp64: the gradient is widened, one tensor after the other.
/// Source: [deepspeed] runtime/zero/utils.py get_norm_dtype
inline void widen_for_norm(Machine& m, double numbers) {
  constexpr double fp32_numbers = 2;   // as long as one in fp64
  m.memory.allocate({numbers * fp32_numbers}, fp32, Component::workspace, "gradient in fp64", -1, 0).drop();
}
/// What a rank's optimizer steps on: numbers in fp32, end to end.
inline Parameter flat_partition(double numbers) {
  Parameter made;
  made.name = "master weights";
  made.shape = {numbers};
  made.format = fp32;
  made.layer = -1;
  return made;
}

}  // namespace gpumem
