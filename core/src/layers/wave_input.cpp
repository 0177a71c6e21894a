// Samples of sound become rows of hidden states.

#include <cmath>

#include "layers/dense.hpp"
#include "layers/encoder_run.hpp"
#include "layers/mlp.hpp"
#include "layers/norms.hpp"

namespace gpumem {
namespace {

void normed_backward(Machine& m, Node& n, Gradients& g) {
  for (int i = 0; i < 3; ++i)
    if (n.wants(i)) g.made[static_cast<std::size_t>(i)] = m.gradient_like(n, i, "gradient of group norm");
}

/// x [b, channels, length], each channel a group of its own: a mean and a reciprocal deviation for each are saved.
/// Source: [pytorch-derivatives] native_group_norm
Value normalise_channels(Machine& m, const Value& x) {
  const Machine::Scope scope(m, "layer_norm");
  const Value from = m.widen(x), weight = m.widen(m.parameter("weight", {x->shape[1]})), bias = m.widen(m.parameter("bias", {x->shape[1]}));
  Node* node = m.record(normed_backward, {&from, &weight, &bias});
  m.save(node, from);
  m.save(node, weight);
  Value out = m.allocate(from->shape, from->format, "group norm");
  const Value mean = m.allocate({x->shape[0], x->shape[1]}, from->format, "mean");
  const Value deviation = m.allocate(mean->shape, from->format, "1/deviation");
  m.save(node, mean);
  m.save(node, deviation);
  return m.bind(node, out);
}

/// One convolution with what follows it; rows are normalised with their channels innermost.
/// Source: [transformers] models/wav2vec2/modeling_wav2vec2.py Wav2Vec2GroupNormConvLayer.forward,
/// Wav2Vec2NoLayerNormConvLayer.forward, Wav2Vec2LayerNormConvLayer.forward
Value wave_step(Machine& m, const WaveLayers& w, std::size_t step, const Value& x) {
  const Machine::Scope scope(m, "conv");
  const WaveLayers::Step& s = w.steps[step];
  const double b = x->shape[0], length = std::floor((x->shape[2] - s.kernel) / s.stride) + 1;
  const Value weight = m.parameter("weight", {s.channels, x->shape[1], s.kernel});
  const Value bias = w.bias ? m.parameter("bias", {s.channels}) : Value();
  Value made = m.convolve(x, weight, bias, {b, s.channels, length}, "convolution");
  if (w.all_normed)
    made = m.view(normalise(m, "layer_norm", NormKind::layer, m.view(made, {b, length, s.channels})), {b, s.channels, length});
  else if (step == 0)
    made = normalise_channels(m, made);
  return activate(m, w.activation, made);
}

void weight_backward(Machine& m, Node& n, Gradients& g) {
  for (int i = 0; i < 2; ++i)
    if (n.wants(i)) g.made[static_cast<std::size_t>(i)] = m.gradient_like(n, i, "gradient of a normed weight");
}

/// The convolution's weight is a direction and a length for each place of its kernel; it is made anew in every pass.
/// Source: [pytorch-derivatives] _weight_norm_interface
Value normed_weight(Machine& m, const Shape& shape) {
  const Value length = m.parameter("original0", {1, 1, shape[2]}), direction = m.parameter("original1", shape);
  Node* node = m.record(weight_backward, {&direction, &length});
  m.save(node, direction);
  m.save(node, length);
  Value out = m.allocate(shape, direction->format, "weight");
  m.save(node, m.allocate({1, 1, shape[2]}, fp32, "lengths"));
  return m.bind(node, out);
}

/// Rows see `reach` others; an even number of them makes one row too many, which is cut off.
/// Source: [transformers] models/wav2vec2/modeling_wav2vec2.py Wav2Vec2PositionalConvEmbedding.forward
Value positions(Machine& m, const WaveLayers& w, const Value& rows) {
  const Machine::Scope scope(m, "pos_conv_embed");
  const double b = rows->shape[0], s = rows->shape[1], h = rows->shape[2];
  const bool even = std::fmod(w.reach, 2) == 0;
  const Value bias = m.parameter("bias", {h});
  Value made = m.convolve(m.view(rows, {b, h, s}), normed_weight(m, {h, h / w.groups, w.reach}), bias, {b, h, s + even}, "positions");
  if (even) made = m.pick(made, {b, h, s});
  return m.view(activate(m, w.activation, made), {b, s, h});
}

}  // namespace

/// Projected rows and their positions are held until the stack has run.
/// Source: [transformers] models/wav2vec2/modeling_wav2vec2.py Wav2Vec2FeatureEncoder.forward,
/// Wav2Vec2FeatureProjection.forward, Wav2Vec2Model.forward, Wav2Vec2Encoder.forward
Value EncoderRun::embed_wave(Machine& m, const Value& samples, const Pass& pass, Held& held) {
  const WaveLayers& w = *model_.wave;
  if (w.mask_row) m.parameter("masked_spec_embed", {model_.hidden});
  Value rows = m.require_gradient(m.view(samples, {samples->shape[0], 1, samples->shape[1]}));
  for (std::size_t i = 0; i < w.steps.size(); ++i) {
    const auto step = [&w, i](Machine& on, const Value& x) { return wave_step(on, w, i, x); };
    rows = pass.checkpointing ? m.checkpoint(rows, step) : step(m, rows);
  }
  rows = m.view(rows, {rows->shape[0], rows->shape[2], rows->shape[1]});
  {
    Value normed = w.rows_normed ? normalise(m, "feature_projection.layer_norm", NormKind::layer, rows) : rows;
    Value projected = m.dropout(dense(m, "feature_projection.projection", normed, model_.hidden, true), w.dropout);
    if (w.rows_given) beside_.push_back(std::move(normed));
    else held.push_back(std::move(rows));
    rows = std::move(projected);
  }
  held.push_back(rows);
  held.push_back(positions(m, w, rows));
  Value hidden = m.add(rows, held.back());
  if (w.normed_before) hidden = normalise(m, "layer_norm", NormKind::layer, hidden);
  return m.dropout(std::move(hidden), model_.encoder.input.dropout);
}

}  // namespace gpumem
