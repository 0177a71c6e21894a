#pragma once
#include "layers/diffusion/transformers.hpp"

namespace gpumem {

/// One stream of words and patches; both are refined by layers of their own before.
class Lumina2Transformer : public DiffusionTransformer {
 public:
  double refiners = 2, kv_heads = 8, feed_width = 9216;
  void declare(Machine& m) const override;
  Value predict(Machine& m, const DenoiserInput& in) const override;

 private:
  Value attend(Machine& m, const Value& x, bool masked) const;
  Value feed_forward(Machine& m, const Value& x) const;
  Value block(Machine& m, const char* name, const Value& x, const Value& time) const;
};

}  // namespace gpumem
