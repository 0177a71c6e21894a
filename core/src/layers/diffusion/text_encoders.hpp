#pragma once
#include "layers/diffusion/components.hpp"

namespace gpumem {

class ClipTextEncoder : public TextEncoder {
 public:
  double vocabulary = 49408, width = 3072, layers = 12, heads = 12, positions = 77, projection = 0;
  bool quick = true;   ///< the activation is x · sigmoid(1.702 x)
  void declare(Machine& m) const override;
  std::vector<Value> buffers(Machine& m) const override;
  TextStates encode(Machine& m, const Value& ids, bool masked, bool every) const override;

 private:
  Value layer(Machine& m, const Value& x) const;
};

class T5TextEncoder : public TextEncoder {
 public:
  double vocabulary = 32128, width = 10240, layers = 24, heads = 64, head_dim = 64, buckets = 32;
  bool gated = true;
  bool by_silu = false;             ///< its gate goes through SiLU, not GELU written out
  bool biased_everywhere = false;   ///< every layer has biases by distance of its own
  bool wide_output = true;          ///< fp16 models keep the last linear of a layer in fp32
  void declare(Machine& m) const override;
  TextStates encode(Machine& m, const Value& ids, bool masked, bool every) const override;

 private:
  Value distance_biases(Machine& m, double tokens) const;
  Value attend(Machine& m, const Value& x, const Value& mask, Value& bias) const;
  Value feed_forward(Machine& m, const Value& x) const;
  Value clamped(Machine& m, Value x) const;
};

}  // namespace gpumem
