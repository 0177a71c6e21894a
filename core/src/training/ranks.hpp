#pragma once
// What data-parallel ranks do around a step that each of them runs on its own batch. The ways to do it are in placement/.

#include <span>
#include <string_view>

#include "machine/machine.hpp"
#include "machine/schedule.hpp"

namespace gpumem {

namespace catalog {
struct OptimizerRow;
}

/// One rank's part in a shared step. Calls come in the order of the step; layer −1 is what lies outside the layers.
class RankProgram {
 public:
  RankProgram() = default;
  RankProgram(const RankProgram&) = delete;
  RankProgram& operator=(const RankProgram&) = delete;
  virtual ~RankProgram() = default;

  /// Puts in memory what this rank keeps of the parameters that `m` has declared.
  virtual void hold_weights(Machine& m) = 0;
  /// What this rank keeps, as its optimizer sees it: same order as the machine's.
  [[nodiscard]] virtual std::span<const Parameter> held() const = 0;
  /// What of it one call of the optimizer steps on, and the gradients that earlier micro-batches have left.
  [[nodiscard]] virtual std::span<const Parameter> stepped() const { return held(); }
  [[nodiscard]] virtual std::span<const Parameter> accumulated() const { return held(); }

  virtual void begin_forward(Machine& m) = 0;
  virtual void enter_layer(Machine& m, int layer) = 0;
  virtual void leave_layer(Machine& m, int layer) = 0;
  /// The loss is there.
  virtual void end_forward(Machine& m) = 0;
  virtual void begin_backward(Machine& m) = 0;
  /// Backward has left one layer and comes to another one; layers that were not run may lie between them.
  virtual void cross_backward(Machine& m, const Schedule& schedule, int from, int to) = 0;
  virtual void end_backward(Machine& m) = 0;
  /// The optimizer is about to run.
  virtual void prepare_step(Machine&) {}
  /// The optimizer has run; gradients go.
  virtual void end_step(Machine& m) = 0;

  /// What this rank keeps in the processor's memory.
  [[nodiscard]] virtual Parts on_host(const catalog::OptimizerRow&, std::string_view) const { return {}; }
};

}  // namespace gpumem
