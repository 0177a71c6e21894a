#pragma once
// What DistributedDataParallel keeps beside a rank's own step: buckets, one element for each of every gradient, whose
// contents the ranks sum.
// Source: [pytorch-ddp] torch/csrc/distributed/c10d/reducer.cpp, torch/nn/parallel/distributed.py

#include <span>
#include <vector>

#include "machine/machine.hpp"

namespace gpumem {

struct GradientBuckets {
  double bytes = 25.0 * 1024 * 1024;   ///< of one; the first one is smaller, and all hold whole parameters
  bool views = false;                  ///< a parameter's gradient is its part of the bucket
  bool finds_unused = false;           ///< whether a parameter was used is summed as well
  bool each_time = false;              ///< micro-batches of a step are summed one by one; otherwise the last one
  std::vector<Value> held;

  /// They stay from the first step on: what was one bucket a format is cut by the order in which gradients came.
  void make(Machine& m, std::span<const Parameter> parameters);
  void let_go() { held.clear(); }
};

}  // namespace gpumem
