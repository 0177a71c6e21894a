#pragma once
#include "layers/diffusion/transformers.hpp"

namespace gpumem {

/// Text and image in two streams, then in one; norms in fp32 without parameters.
class AuraFlowTransformer : public DiffusionTransformer {
 public:
  double single_layers = 32, places = 1024, register_tokens = 8;
  void declare(Machine& m) const override;
  Value predict(Machine& m, const DenoiserInput& in) const override;

 private:
  struct Streams {
    Value text, image;
  };
  Value modulated(Machine& m, const char* name, const Value& x, const Value& time) const;
  Value feed_forward(Machine& m, const char* name, const Value& x) const;
  Value fed(Machine& m, const char* name, const Value& x, const Value& attended) const;
  Streams attend(Machine& m, const Value& image, const Value& text) const;
  Streams block(Machine& m, const Streams& x, const Value& time) const;
};

}  // namespace gpumem
