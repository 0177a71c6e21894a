// A convolution over a few tokens between two gates (LFM2).

#include "layers/dense.hpp"
#include "layers/mixers.hpp"

namespace gpumem {

/// Gates and input are parts of one product, which stays alive while any of them does.
/// Source: [transformers] models/lfm2/modeling_lfm2.py Lfm2ShortConv.forward
Value short_convolution(Machine& m, const MixerLayer& l, const Value& x, const Pass& pass) {
  const double b = x->shape[0], s = x->shape[1], h = x->shape[2];
  const Value joint = dense(m, "in_proj", x, 3 * h, l.bias);
  const Convolution c = convolution_of(m, "conv", l, h, l.conv_bias);
  const auto parts = m.split(joint, {h, h, h});
  Value hidden = m.view(m.multiply(parts[0], parts[2]), {b, h, s});
  hidden = causal_convolution(m, pass, c, std::move(hidden), false);
  Value gated = m.multiply(parts[1], m.view(hidden, x->shape));
  return dense(m, "out_proj", std::move(gated), h, l.output_bias, false, Adaptation::Names::its_own);
}

}  // namespace gpumem
