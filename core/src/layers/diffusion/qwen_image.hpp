#pragma once
#include "layers/diffusion/transformers.hpp"

namespace gpumem {

class QwenImageTransformer : public DiffusionTransformer {
 public:
  double latent_patch = 2;   ///< sides of what a token becomes
  void declare(Machine& m) const override;
  Value predict(Machine& m, const DenoiserInput& in) const override;

 private:
  struct Streams {
    Value text, image;
  };
  Streams attend(Machine& m, const Value& image, const Value& text) const;
  Streams block(Machine& m, const Streams& x, const Value& time) const;
};

}  // namespace gpumem
