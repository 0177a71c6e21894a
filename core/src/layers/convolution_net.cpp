// Nets of convolutions, in inference.

#include <cmath>

#include "layers/encoder_run.hpp"
#include "layers/mlp.hpp"

namespace gpumem {
namespace {

struct Step {
  double channels, kernel, stride;
  bool active;
};

/// Sides of what a convolution makes that sees as much beyond the edge as its middle is wide.
double side_after(double side, double stride) { return std::floor((side - 1) / stride) + 1; }

/// x [b, channels, side, side], held by who calls; in inference a norm only scales.
/// Source: [transformers] models/resnet/modeling_resnet.py ResNetConvLayer.forward, ResNetShortCut.forward
Value convolved_and_normed(Machine& m, const char* name, const Value& x, const Step& s, Activation activation, std::vector<double>* normed) {
  const Machine::Scope scope(m, name);
  const double side = side_after(x->shape[2], s.stride);
  const Value weight = m.parameter("convolution.weight", {s.channels, x->shape[1], s.kernel, s.kernel});
  Value made = m.convolve(x, weight, {}, {x->shape[0], s.channels, side, side}, "convolution");
  m.parameter("normalization.weight", {s.channels});
  m.parameter("normalization.bias", {s.channels});
  if (normed) normed->push_back(s.channels);
  made = m.scale(made, "normalised");
  if (s.active) made = activate(m, activation, made);
  return made;
}

}  // namespace

/// A stage's input is held until it has run, and so is what the stem made.
/// Source: [transformers] models/resnet/modeling_resnet.py ResNetEmbeddings.forward, ResNetEncoder.forward,
/// ResNetStage.forward, ResNetBottleNeckLayer.forward, ResNetBasicLayer.forward
Value EncoderRun::convolved(Machine& m, const Value& pixels) {
  const ConvolutionNet& net = *model_.convolutions;
  std::vector<double>* normed = m.declaring ? &normed_ : nullptr;
  const auto step = [&](const char* name, const Value& x, const Step& s) { return convolved_and_normed(m, name, x, s, net.activation, normed); };
  Value stem = step("embedder", pixels, {net.stem, 7, 2, true});
  {
    const double side = side_after(stem->shape[2], 2);
    const Shape pooled = {stem->shape[0], net.stem, side, side};
    Value largest = m.allocate(pooled, stem->format, "largest of three by three");
    m.allocate(pooled, int64, "where they were").drop();
    stem = std::move(largest);
  }
  Value hidden = stem;
  for (const ConvolutionNet::Stage& stage : net.stages) {
    const Value input = hidden;
    for (double i = 0; i < stage.depth; ++i) {
      const double stride = i == 0 ? stage.stride : 1, narrow = std::floor(stage.width / 4);
      Value residual = hidden;
      const bool projected = residual->shape[1] != stage.width || stride != 1;
      const auto projection = [&] { return projected ? step("shortcut", residual, {stage.width, 1, stride, false}) : residual; };
      if (net.bottleneck) {
        hidden = step("layer.0", hidden, {narrow, 1, net.early_stride ? stride : 1, true});
        hidden = step("layer.1", hidden, {narrow, 3, net.early_stride ? 1 : stride, true});
        hidden = step("layer.2", hidden, {stage.width, 1, 1, false});
      } else {
        hidden = step("layer.0", hidden, {stage.width, 3, stride, true});
        hidden = step("layer.1", hidden, {stage.width, 3, 1, false});
      }
      residual = projection();
      hidden = activate(m, net.activation, m.add_in_place(hidden, residual));
    }
  }
  return hidden;
}

}  // namespace gpumem
