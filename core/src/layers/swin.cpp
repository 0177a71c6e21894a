// Attention within windows of an image.

#include <cmath>

#include "layers/attention.hpp"
#include "layers/dense.hpp"
#include "layers/glue.hpp"
#include "layers/mlp.hpp"
#include "layers/norms.hpp"
#include "layers/staged.hpp"

namespace gpumem {
namespace {

/// Rows in another order: a copy, and so is their gradient.
Value reordered(Machine& m, const Value& x, const char* label) { return m.scale(x, label); }

/// From an image to its windows and back; a single window lies as the image does.
Value windowed(Machine& m, const Value& x, double windows, const Shape& shape) {
  return m.view(windows > 1 ? reordered(m, x, "windows") : x, shape);
}

/// Windows that were moved over the edge hold parts of either side, which do not see each other: a mask for each window.
/// Source: [transformers] models/swin/modeling_swin.py SwinLayer.get_attn_mask
Value mask_of_edges(Machine& m, double windows, double rows, const Format* format) {
  const Shape shape = {windows, rows, rows};
  const Value difference = m.allocate(shape, format, "differences of regions");
  Value apart = m.allocate(shape, byte_flag, "apart");
  const Value hidden = m.allocate(shape, format, "hidden ones");
  apart.drop();
  apart = m.allocate(shape, byte_flag, "together");
  return m.allocate(shape, format, "mask of edges");
}

/// What is added to the scores of windows, and what it was made of, which is held as long.
struct WindowBias {
  Value by_distance, of_edges, both;
};

/// One bias by distance serves every window of a block, with the mask of each window where there is one.
/// Source: [transformers] models/swin/modeling_swin.py SwinRelativePositionBias.forward, SwinAttention.forward
WindowBias bias_of_windows(Machine& m, double heads, double side, double windows, double images, const Value& mask) {
  const double rows = side * side, distances = (2 * side - 1) * (2 * side - 1);
  const Value table = m.parameter("relative_position_bias_table", {distances, heads});
  WindowBias bias;
  {
    const Value looked_up = m.embedding(m.memory.describe({rows * rows}, int64), table, "biases by distance");
    bias.by_distance = m.view(m.copy(looked_up, "biases, heads outermost", Layout::token_major), {1, heads, rows, rows});
  }
  bias.by_distance->layout = Layout::head_major;
  bias.both = bias.by_distance;
  if (!mask) return bias;
  bias.of_edges = images > 1 ? m.allocate({images * windows, rows, rows}, mask->format, "masks of all images") : mask;
  bias.both = m.add(bias.by_distance, m.view(bias.of_edges, {images * windows, 1, rows, rows}));
  return bias;
}

/// Source: [transformers] models/swin/modeling_swin.py SwinAttention.forward
AttentionResult attention_in_windows(Machine& m, const StagedNet& net, const StagedNet::Stage& stage, const Value& x, double windows, const Value& mask, Pass pass) {
  const Machine::Scope scope(m, "attention");
  AttentionLayer a;
  a.heads = a.kv_heads = stage.heads;
  a.head_dim = std::floor(stage.width / stage.heads);
  a.biased_scores = true;
  a.dropout = net.attention_dropout;
  const auto projected = [&](const char* name) { return m.heads(dense(m, name, x, stage.width, net.bias), stage.heads); };
  const Value query = projected("q_proj"), key = projected("k_proj"), value = projected("v_proj");
  const WindowBias bias = bias_of_windows(m, stage.heads, net.window, windows, x->shape[0] / windows, mask);
  pass.bias = bias.both;
  pass.tokens = x->shape[1];
  pass.causal = false;
  AttentionResult result = attend(m, a, pass, query, key, value);
  result.output = dense(m, "o_proj", result.output, stage.width, true);
  return result;
}

}  // namespace

/// Windows, what attention made of them and both sums are held until the block ends.
/// Source: [transformers] models/swin/modeling_swin.py SwinLayer.forward, window_partition, window_reverse
Value window_block(Machine& m, const StagedNet& net, const StagedNet::Stage& stage, const Value& x, double side, bool moved, double path_dropout,
                   const Pass& pass, Value& probabilities) {
  const double b = x->shape[0], w = stage.width, s = net.window, across = std::ceil(side / s), padded = across * s;
  moved = moved && side > s;
  const double windows = across * across;
  const Shape image = {b, padded * padded, w}, apart = {b * windows, s * s, w};
  Value hidden = normalise(m, "layernorm_before", NormKind::layer, x);
  hidden = m.pad(hidden, image, "padded");
  Value in_windows = moved ? windowed(m, reordered(m, hidden, "moved"), windows, apart) : windowed(m, hidden, windows, apart);
  const Value mask = moved ? mask_of_edges(m, windows, s * s, hidden->format) : Value();
  AttentionResult attended = attention_in_windows(m, net, stage, in_windows, windows, mask, pass);
  attended.output = m.dropout(std::move(attended.output), net.dropout);
  Value back = windowed(m, attended.output, windows, image);
  if (moved) back = reordered(m, back, "moved back");
  if (padded > side) back = m.copy(m.pick(back, {b, side * side, w}), "without padding", Layout::token_major);
  hidden = m.add(x, drop_path(m, back, path_dropout));
  const Value residual = hidden;
  hidden = normalise(m, "layernorm_after", NormKind::layer, hidden);
  MlpLayer layer;
  layer.kind = MlpLayer::Kind::plain;
  layer.activation = net.activation;
  layer.width = std::floor(net.ratio * w);
  layer.bias = layer.output_bias = true;
  hidden = mlp(m, layer, hidden);
  hidden = m.add(m.dropout(hidden, net.dropout), residual);
  probabilities = std::move(attended.probabilities);
  return hidden;
}

/// Four neighbours side by side, projected to twice the width of one.
/// Source: [transformers] models/swin/modeling_swin.py SwinPatchMerging.forward
StageRows merged_down(Machine& m, const StageRows& from) {
  const Machine::Scope scope(m, "downsample");
  const double b = from.rows->shape[0], w = from.rows->shape[2], half = std::ceil(from.side / 2), even = 2 * half;
  Value rows = even > from.side ? m.pad(from.rows, {b, even * even, w}, "padded") : from.rows;
  Value glued;
  {
    const auto neighbour = [&] { return m.pick(m.pick(rows, {b, half * even, w}), {b, half * half, w}); };
    const Value one = neighbour(), two = neighbour(), three = neighbour(), four = neighbour();
    glued = glue(m, {one, two, three, four}, {b, half * half, 4 * w}, "four side by side");
  }
  rows = std::move(glued);
  rows = normalise(m, "norm", NormKind::layer, rows);
  return {dense(m, "reduction", rows, 2 * w, false), half};
}

}  // namespace gpumem
