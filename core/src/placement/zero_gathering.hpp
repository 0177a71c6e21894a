#pragma once
// Which parameters DeepSpeed's stage 3 has gathered when: a module's own are fetched before it runs, those that come next
// ahead of time, and what is needed again soon is not let go.
// Source: [deepspeed] deepspeed/runtime/zero/partitioned_param_coordinator.py fetch_sub_module, release_sub_module

#include <vector>

#include "placement/zero_plan.hpp"

namespace gpumem {

/// Numbers that are whole on this rank while a layer runs, at most; for a moment more, while what arrived together is taken
/// apart; and those in its last module.
struct Gathered {
  double kept = 0, moment = 0, after = 0;
};

class GatheringTrace {
 public:
  GatheringTrace(const ZeroPlan& plan, const std::vector<Parameter>& every);

  /// Layer −1 is what comes before the layers, one more than the last layer's what comes behind.
  [[nodiscard]] const Gathered& forward(int layer) const { return at(forward_, layer); }
  [[nodiscard]] const Gathered& backward(int layer) const { return at(backward_, layer); }

 private:
  struct Use {
    int parameter, layer;
    bool backward;
  };
  static const Gathered& at(const std::vector<Gathered>& list, int layer);
  void trace(const ZeroPlan& plan, const std::vector<Parameter>& every);
  void run(const ZeroOptions& options, const std::vector<Parameter>& every);

  std::vector<Use> uses_;
  std::vector<Gathered> forward_, backward_;
};

}  // namespace gpumem
