#pragma once
// What a stretch of a program made is let go behind it and made again before its backward.
// Source: [megatron-lm] megatron/core/tensor_parallel/random.py CheckpointFunction, CheckpointWithoutOutput

#include "machine/machine.hpp"

namespace gpumem::megatron {

class Stretch {
 public:
  Stretch(Machine& m, bool wanted) : machine_(m), wanted_(wanted && m.recording && !m.idle()), begin_(m.memory.births()) {}
  /// From here on what was made since the beginning and still lives is known.
  void end();
  /// Lets it go, where that is wanted: it comes back when the gradient of `x` is there. What `x` itself lies in stays.
  Value let_go(Value x);

 private:
  Machine& machine_;
  bool wanted_;
  long begin_;
  std::vector<Value> made_;
};

}  // namespace gpumem::megatron
