#pragma once
// DeepSpeed's ZeRO stages 1 and 2: weights whole in one flat buffer; of fp32 weights and optimizer states each rank has an
// equal part, in stage 2 of gradients as well.
// Source: [deepspeed] deepspeed/runtime/zero/stage_1_and_2.py

#include "placement/zero_plan.hpp"
#include "training/ranks.hpp"

namespace gpumem {

class ZeroStates final : public RankProgram {
 public:
  /// `every`: the parameters of all layers as they lie, in the model's order.
  ZeroStates(const ZeroPlan& plan, std::vector<Parameter> every);

  void hold_weights(Machine& m) override;
  [[nodiscard]] std::span<const Parameter> held() const override { return held_; }
  [[nodiscard]] std::span<const Parameter> accumulated() const override { return summed_; }
  void begin_forward(Machine& m) override;
  void enter_layer(Machine&, int) override {}
  void leave_layer(Machine&, int) override {}
  void end_forward(Machine&) override {}
  void begin_backward(Machine& m) override;
  void cross_backward(Machine& m, const Schedule& schedule, int from, int to) override;
  void end_backward(Machine& m) override;
  void prepare_step(Machine& m) override;
  void end_step(Machine& m) override;
  [[nodiscard]] Parts on_host(const catalog::OptimizerRow& optimizer, std::string_view step) const override;

 private:
  Value take(Machine& m, double numbers, const Format* format, Component use, const char* label);
  [[nodiscard]] bool sends_in_backward() const { return plan_.stage == 2 || plan_.options.overlap_comm; }
  [[nodiscard]] double touched(double from, double to) const;
  [[nodiscard]] double first_bucket() const;
  [[nodiscard]] double offset_of(const Machine& m, int row) const;
  bool arrived(Machine& m, Parameter& p);
  void open_buckets(Machine& m);
  void reduce(Machine& m, double numbers, double begin, bool one_alone);
  void reduce_bucket(Machine& m);

  ZeroPlan plan_;
  std::vector<Parameter> every_;
  std::vector<double> offsets_;          ///< of every parameter among the trained
  std::vector<Parameter> held_, summed_;
  double all_ = 0, part_ = 0;
  double own_ = 0;                       ///< numbers of whole parameters that this rank's part touches
  const Format* format_;
  std::vector<Value> buckets_, waiting_; ///< `waiting_`: gradients that did not go into a bucket
  Value part_of_gradients_, stepped_;
  double filled_ = 0, begin_ = 0;        ///< of the bucket; where its first number lies among all
  double widest_ = 0;                    ///< the largest gradient in it
  int in_bucket_ = 0;
};

}  // namespace gpumem
