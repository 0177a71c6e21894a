#pragma once
// PyTorch's FullyShardedDataParallel: the parameters of a unit lie end to end in one flat parameter, of which each rank
// keeps an equal part. A layer is a unit, the rest of the model another one.
// Source: [pytorch-fsdp1] torch/distributed/fsdp/_flat_param.py, _runtime_utils.py

#include "placement/fsdp2.hpp"

namespace gpumem {

/// A layer's input as a reentrant checkpoint gives it to autograd; empty: nothing is kept of it.
struct LayerInput {
  Shape shape;
  const Format* format = nullptr;
};

class FlatShard final : public RankProgram {
 public:
  /// `stored`: as for FullyShard. `prefetches`: what ran before is gathered before a unit's own backward.
  FlatShard(const ShardingPlan& plan, bool prefetches, const LayerInput& kept, std::vector<Parameter> stored);

  void hold_weights(Machine& m) override;
  [[nodiscard]] std::span<const Parameter> held() const override;
  [[nodiscard]] std::span<const Parameter> accumulated() const override;
  void begin_forward(Machine& m) override;
  void enter_layer(Machine& m, int layer) override;
  void leave_layer(Machine& m, int layer) override;
  void end_forward(Machine&) override {}
  void begin_backward(Machine& m) override;
  void cross_backward(Machine& m, const Schedule& schedule, int from, int to) override;
  void end_backward(Machine& m) override;
  void end_step(Machine& m) override;
  [[nodiscard]] Parts on_host(const catalog::OptimizerRow& optimizer, std::string_view step) const override;

 private:
  struct Unit {
    int layer = -1;
    std::vector<int> rows;       ///< of the machine's parameters
    Value gathered;              ///< the flat parameter, whole
    Value accumulated;           ///< its gradient of earlier micro-batches, whole
    Value gradient;              ///< this rank's part of its gradient
    bool reported = false;       ///< its gradient is scattered
  };

  Unit& unit_of(int layer);
  [[nodiscard]] const Parameter& whole(int row) const { return whole_[static_cast<std::size_t>(row)]; }
  void gather(Machine& m, Unit& unit);
  void gather_before(Machine& m, const Unit& unit);
  void after_backward(Machine& m, Unit& unit);
  void leave_shards(Machine& m, const Unit& unit, double copies);
  void keep_inputs(Machine& m, const Schedule& schedule, int from, int to);

  ShardingPlan plan_;
  bool prefetches_;
  LayerInput kept_;
  std::vector<Value> inputs_;    ///< of frozen layers, and their gradients
  bool adapters_ = false;        ///< layers are frozen; what is trained in them are units of its own
  std::vector<Parameter> whole_, shards_;
  std::vector<Unit> units_;      ///< what lies outside the layers first, then the layers that are run
};

}  // namespace gpumem
