#pragma once
// PyTorch's fully_shard: every parameter cut along its first extent. A layer is a unit, the rest of the model another
// one; a unit's parameters are gathered before it runs and its gradients are scattered after its backward.
// Source: [pytorch-fsdp2] torch/distributed/fsdp/_fully_shard/_fsdp_param_group.py, _fsdp_collectives.py, _fsdp_state.py

#include "placement/shards.hpp"
#include "training/ranks.hpp"

namespace gpumem {

struct ShardingPlan {
  double ranks = 1;                  ///< that share one shard of everything
  bool replicated = false;           ///< other groups of ranks hold the same: gradients are summed over them too
  const Format* reduced = nullptr;   ///< gradients on their way; null: in the format of what they are the gradients of
  bool reshard = true;               ///< layers let go of what they gathered after forward
  bool accumulating = false;         ///< gradients of earlier micro-batches are there
  bool synchronised = true;          ///< as shards; otherwise whole, and what is sent is their sum
  bool offloaded = false;            ///< shards, their gradients and states lie in the processor's memory,
  bool pinned = true;                ///< page-locked

  /// A shard of gradients is added to one that is there.
  [[nodiscard]] bool adds() const { return accumulating && synchronised; }
  [[nodiscard]] bool sums_whole() const { return accumulating && !synchronised; }
  /// What one rank keeps there of these shards.
  [[nodiscard]] Parts on_host(const std::vector<Parameter>& shards, const catalog::OptimizerRow& optimizer, std::string_view step) const;
};

class FullyShard final : public RankProgram {
 public:
  /// `stored`: the parameters as they lie, in the order in which the machine declares them; the machine's formats are
  /// those that they are gathered in.
  FullyShard(const ShardingPlan& plan, std::vector<Parameter> stored);

  void hold_weights(Machine& m) override;
  [[nodiscard]] std::span<const Parameter> held() const override;
  [[nodiscard]] std::span<const Parameter> accumulated() const override;
  void begin_forward(Machine& m) override;
  void enter_layer(Machine& m, int layer) override;
  void leave_layer(Machine& m, int layer) override;
  void end_forward(Machine& m) override;
  void begin_backward(Machine& m) override;
  void cross_backward(Machine& m, const Schedule& schedule, int from, int to) override;
  void end_backward(Machine& m) override;
  void end_step(Machine& m) override;
  [[nodiscard]] Parts on_host(const catalog::OptimizerRow& optimizer, std::string_view step) const override;

 private:
  struct Unit {
    int layer = -1;
    std::vector<int> rows;         ///< of the machine's parameters
    std::vector<Value> gathered;
    Value arrived;                 ///< what the ranks' shards were gathered into, until it is copied out
    Value accumulated;             ///< whole gradients of earlier micro-batches
    Value gradient, reduced;       ///< of all its parameters, in one piece; what it was cast from
    bool reported = false;         ///< its gradients are scattered
  };

  Unit& unit_of(int layer);
  Value take(Machine& m, const Unit& unit, const Shape& shape, const Format* format, const char* label,
             Component component = Component::workspace);
  [[nodiscard]] const Parameter& whole(int row) const { return whole_[static_cast<std::size_t>(row)]; }
  void gather(Machine& m, Unit& unit);
  void copy_out(Machine& m, Unit& unit, bool forward);
  void hold_accumulated(Machine& m, Unit& unit);
  void before_backward(Machine& m, Unit& unit);
  void after_backward(Machine& m, Unit& unit);
  void scatter(Machine& m, Unit& unit, double numbers, const Format* stored);
  void leave_shards(Machine& m, const Unit& unit, double copies);
  static void let_go(Unit& unit);

  ShardingPlan plan_;
  std::vector<Parameter> whole_, shards_;   ///< as they lie: of all ranks together, and here
  std::vector<Unit> units_;                 ///< what lies outside the layers first, then the layers that are run
  Value kept_;                              ///< the last gathered unit as it arrived, until the next one is copied out
  Value sent_;                              ///< the last unit's gradients as they were sent, until the next unit's are
};

}  // namespace gpumem
