// Blocks of a convolution for each channel and an MLP.

#include <cmath>

#include "layers/dense.hpp"
#include "layers/mlp.hpp"
#include "layers/norms.hpp"
#include "layers/staged.hpp"

namespace gpumem {

/// Source: [transformers] models/convnext/modeling_convnext.py ConvNextLayer.forward
Value convolution_block(Machine& m, const StagedNet& net, const Value& x, double side, double path_dropout) {
  const double b = x->shape[0], width = x->shape[2], rows = side * side;
  Value y;
  {
    const Machine::Scope scope(m, "dwconv");
    const Value weight = m.parameter("weight", {width, 1, 7, 7}), bias = m.parameter("bias", {width});
    y = m.view(m.convolve(m.view(x, {b, width, rows}), weight, bias, {b, width, rows}, "convolution"), {b, rows, width});
  }
  y = normalise(m, "layernorm", NormKind::layer, y);
  y = dense(m, "pwconv1", y, net.ratio * width, true);
  y = activate(m, net.activation, y);
  y = dense(m, "pwconv2", y, width, true);
  if (net.scaled_by_column) y = m.multiply(m.parameter("layer_scale_parameter", {width}), y);
  return m.add(x, drop_path(m, y, path_dropout));
}

/// Source: [transformers] models/convnext/modeling_convnext.py ConvNextStage.forward
StageRows convolved_down(Machine& m, double width, const StageRows& from) {
  const Machine::Scope scope(m, "downsampling_layer");
  const double b = from.rows->shape[0], before = from.rows->shape[2], side = std::floor(from.side / 2);
  const Value rows = normalise(m, "0", NormKind::layer, from.rows);
  const Value weight = m.parameter("1.weight", {width, before, 2, 2}), bias = m.parameter("1.bias", {width});
  Value made = m.convolve(m.view(rows, {b, before, from.side * from.side}), weight, bias, {b, width, side * side}, "convolution");
  return {m.view(made, {b, side * side, width}), side};
}

}  // namespace gpumem
