#pragma once
#include "layers/diffusion/components.hpp"

namespace gpumem {

/// One stream of patches and words; both are refined by layers of their own before.
class ZImageTransformer : public Denoiser {
 public:
  double layers = 30, refiners = 2, heads = 30, width = 3840, text_width = 2560;
  bool query_norm = true;
  void declare(Machine& m) const override;
  Value predict(Machine& m, const DenoiserInput& in) const override;

 private:
  Value attend(Machine& m, const Value& x) const;
  Value feed_forward(Machine& m, const Value& x) const;
  Value block(Machine& m, const char* name, const Value& x, const Value& time) const;
};

}  // namespace gpumem
