#pragma once
// DeepSpeed's ZeRO stage 3: of each parameter every rank keeps an equal part; a module's are gathered before it runs.
// Source: [deepspeed] deepspeed/runtime/zero/stage3.py, partition_parameters.py

#include "placement/zero_gathering.hpp"
#include "training/ranks.hpp"

namespace gpumem {

class ZeroParameters final : public RankProgram {
 public:
  /// `every`: the parameters of all layers as they are whole, in the model's order.
  ZeroParameters(const ZeroPlan& plan, std::vector<Parameter> every);

  void hold_weights(Machine& m) override;
  [[nodiscard]] std::span<const Parameter> held() const override;
  [[nodiscard]] std::span<const Parameter> stepped() const override;
  [[nodiscard]] std::span<const Parameter> accumulated() const override { return {}; }   // in a buffer that always is there
  void begin_forward(Machine& m) override { enter_layer(m, -1); }
  void enter_layer(Machine& m, int layer) override;
  void leave_layer(Machine& m, int layer) override;
  void end_forward(Machine&) override {}
  void begin_backward(Machine& m) override;
  void cross_backward(Machine& m, const Schedule& schedule, int from, int to) override;
  void end_backward(Machine& m) override;
  void prepare_step(Machine& m) override;
  void end_step(Machine& m) override;
  [[nodiscard]] Parts on_host(const catalog::OptimizerRow& optimizer, std::string_view step) const override;

 private:
  Value take(Machine& m, double numbers, const Format* format, Component use, const char* label);
  void gather(Machine& m, double kept, double moment);
  bool arrived(Machine& m, Parameter& p);
  void reduce(Machine& m);
  [[nodiscard]] double part(const Parameter& p) const { return std::ceil(in(elements, p.shape.count()) / plan_.ranks); }

  ZeroPlan plan_;
  std::vector<Parameter> every_;
  GatheringTrace trace_;
  std::vector<Parameter> held_;         ///< groups that are stepped on one after the other
  double part_ = 0;                     ///< of all that is trained
  double widest_ = 0;                   ///< the largest such group
  int end_ = 0;                         ///< the layer number of what lies behind the layers
  const Format* format_;
  Value gathered_, stepped_;
  std::vector<Value> waiting_;          ///< gradients that did not go into the bucket
  double filled_ = 0;
  int in_bucket_ = 0;
};

}  // namespace gpumem
