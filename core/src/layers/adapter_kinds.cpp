#include "layers/adapter_kinds.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

namespace gpumem {
namespace {

/// Lambdas of the first row of base results and of the ranks; the matrices are nobody's parameters, and fp32.
/// Source: [peft] tuners/vera/layer.py Linear.forward
Value through_shared(Machine& m, const Adaptation& a, const Value& x, double width) {
  const Value outputs = m.parameter("vera_lambda_b", {width}, a.format, true);
  const Value ranks = m.parameter("vera_lambda_d", {a.rank}, a.format, true);
  if (m.adapters_off) return {};
  const Value down = m.memory.describe({a.rank, x->shape[-1]}, a.format), up = m.memory.describe({width, a.rank}, a.format);
  const Value wide = m.cast(x, a.format);
  Value low = m.linear(m.dropout(wide, a.dropout), down, {}, "vera_A");
  return m.multiply(m.linear(m.multiply(std::move(low), ranks), up, {}, "vera_B"), outputs);
}

/// Of a product of two products only the four factors are kept; backward makes the products again, one beside the other's
/// gradient. The second pair's gradients go by a node of their own, for a node has three inputs.
/// Source: [peft] tuners/loha/layer.py HadaWeight
void second_pair_backward(Machine& m, Node& n, Gradients& g) {
  for (int i = 0; i < 2; ++i) g.made[static_cast<std::size_t>(i)] = m.gradient_like(n, i, "gradient of a factor");
}

void first_pair_backward(Machine& m, Node& n, Gradients& g) {
  const Shape& whole = n.output[0].shape;
  const Format* format = n.input[0].format;   // autocast has been left
  const auto make = [&](const char* label) { return m.allocate(whole, format, label, Component::workspace); };
  const Value scaled = m.allocate(whole, n.output[0].format, "gradient of the change, scaled", Component::workspace);
  Value product = make("product of two factors");
  Value through = make("gradient of the other product");
  product.drop();
  for (int i = 0; i < 2; ++i) g.made[static_cast<std::size_t>(i)] = m.gradient_like(n, i, "gradient of a factor");
  product = make("product of two factors");
  const Value other = make("gradient of the other product");
  g.made[2] = m.allocate({1}, format, "turn of the other factors", Component::workspace);
}

Value hadamard_change(Machine& m, const Adaptation& a, double in, double width) {
  const auto factor = [&](const char* name, const Shape& shape) { return m.parameter(name, shape, a.format, true); };
  const Value first_up = factor("hada_w1_a", {width, a.rank}), first_down = factor("hada_w1_b", {a.rank, in});
  const Value second_up = factor("hada_w2_a", {width, a.rank}), second_down = factor("hada_w2_b", {a.rank, in});
  if (m.adapters_off) return {};
  Value turn = m.memory.describe({1}, a.format);
  turn = m.bind(m.record(second_pair_backward, {&second_up, &second_down}), turn);
  Node* node = m.record(first_pair_backward, {&first_up, &first_down, &turn});
  for (const Value* one : {&first_up, &first_down, &second_up, &second_down}) m.save(node, *one);
  const Format* computed = m.autocast ? m.autocast : a.format;
  const bool recorded = std::exchange(m.recording, false);   // autocast's copies of the factors
  for (const Value* factor_of : {&first_up, &first_down, &second_up, &second_down}) m.lower(*factor_of);
  m.recording = recorded;
  const auto make = [&](const char* label) { return m.allocate({width, in}, computed, label); };
  Value one = make("product of two factors"), other = make("product of two factors");
  const Value both = make("product of products");
  one.drop();
  other.drop();
  Value change = make("change of the weight");
  return m.bind(node, change);
}

/// The greater of two factors that lie nearest to each other.
/// Source: [peft] tuners/lokr/layer.py factorization
double lesser_factor(double number) {
  double found = 1;
  for (double d = 1; d * d <= number; ++d)
    if (std::fmod(number, d) == 0) found = d;
  return found;
}

/// One small matrix and another one, of low rank where that is less than half of its longer side; their Kronecker product
/// is as large as the weight. Source: [peft] tuners/lokr/layer.py update_layer, make_kron
Value kronecker_change(Machine& m, const Adaptation& a, double in, double width) {
  const double rows = lesser_factor(width), columns = lesser_factor(in), more_rows = width / rows, more_columns = in / columns;
  const Value first = m.parameter("lokr_w1", {rows, columns}, a.format, true);
  Value second, up, down;
  if (a.rank < std::max(more_rows, more_columns) / 2) {
    up = m.parameter("lokr_w2_a", {more_rows, a.rank}, a.format, true);
    down = m.parameter("lokr_w2_b", {a.rank, more_columns}, a.format, true);
  } else {
    second = m.parameter("lokr_w2", {more_rows, more_columns}, a.format, true);
  }
  if (m.adapters_off) return {};
  if (!second) second = m.contract(up, down, {more_rows, more_columns}, "second factor");
  Value product = m.multiply(m.view(first, {rows, 1, columns, 1}), m.view(second, {1, more_rows, 1, more_columns}));
  return m.view(m.scale(std::move(product), "change of the weight"), {width, in});
}

/// Vectors as the upper triangles of matrices that change their sign when turned over.
/// Source: [peft] tuners/oft/layer.py OFTRotationModule._pytorch_skew_symmetric
void skewed_backward(Machine& m, Node& n, Gradients& g) {
  const Value negated = m.allocate(n.output[0].shape, n.output[0].format, "gradient, negated", Component::workspace);
  const Value sum = m.allocate(n.output[0].shape, n.output[0].format, "gradient of the matrices", Component::workspace);
  g.made[0] = m.gradient_like(n, 0, "gradient of the angles");
}

Value skewed(Machine& m, const Value& angles, const Shape& shape) {
  Node* node = m.record(skewed_backward, {&angles});
  const Value upper = m.allocate(shape, angles->format, "upper triangles");
  Value out = m.allocate(shape, angles->format, "skew-symmetric matrices");
  return m.bind(node, out);
}

/// A rotation as five terms of Neumann's series. Source: [peft] tuners/oft/layer.py OFTRotationModule._cayley_batch
Value rotation(Machine& m, const Value& angles, const Shape& shape) {
  const Value skew = skewed(m, angles, shape);
  Value sum = m.allocate(shape, angles->format, "rotations");
  sum = m.add_in_place(std::move(sum), skew);
  Value power = m.contract(skew, skew, shape, "square");
  sum = m.add_in_place(std::move(sum), power);
  for (const char* label : {"third power", "fourth power"}) {
    power = m.contract(power, skew, shape, label);
    sum = m.add_in_place(std::move(sum), power);
  }
  return sum;
}

/// The size asked for, or the nearest one that divides the width. Source: [peft] tuners/oft/layer.py adjust_oft_parameters
double block_of(double wanted, double in) {
  if (wanted >= in) return in;
  double lower = wanted, higher = wanted;
  while (lower > 1 && std::fmod(in, lower) > 0) --lower;
  while (std::fmod(in, higher) > 0) ++higher;
  return wanted - lower <= higher - wanted ? lower : higher;
}

/// A view whose gradient comes back in another order, and is copied.
void regrouped_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient, contiguous"); }

Value regrouped(Machine& m, const Value& x, const Shape& shape) {
  Node* node = m.record(regrouped_backward, {&x});
  Value out = m.view(m.detach(x), shape);
  return m.bind(node, out);
}

}  // namespace

/// Source: [peft] tuners/loha/layer.py, tuners/lokr/layer.py _get_delta_activations
Value beside_base(Machine& m, const Adaptation& a, const Value& x, double width) {
  if (a.kind == Adaptation::Kind::shared_random) return through_shared(m, a, x, width);
  const double in = x->shape[-1];
  const Value change = a.kind == Adaptation::Kind::hadamard ? hadamard_change(m, a, in, width) : kronecker_change(m, a, in, width);
  return m.adapters_off ? Value() : m.linear(m.cast(x, change->format), change, {}, "changed");
}

/// Source: [peft] tuners/oft/layer.py OFTRotationModule.forward
Value rotated(Machine& m, const Adaptation& a, Value x) {
  const double inputs = x->shape[-1], block = block_of(a.block, inputs), blocks = inputs / block, pairs = block * (block - 1) / 2;
  const Value angles = m.parameter("oft_R.weight", {blocks, pairs}, a.format, true);
  for (const char* places : {"oft_R.rows", "oft_R.cols"}) m.parameter(places, {pairs}, int64, false, 0);
  if (m.adapters_off) return x;
  const Shape whole = x->shape;
  const double rows = in(elements, whole.count()) / inputs;
  const Value wide = m.cast(std::move(x), a.format);
  const Value turn = rotation(m, angles, {blocks, block, block});
  const Value blocks_turned = m.contract(regrouped(m, wide, {blocks, rows, block}), turn, {blocks, rows, block}, "turned blocks");
  Value turned = m.copy(blocks_turned, "blocks side by side", Layout::token_major);
  return m.cast(m.view(turned, whole), a.format);
}

void add_shared_matrices(Machine& m) {
  const Adaptation* a = m.adaptation;
  if (!a || a->kind != Adaptation::Kind::shared_random) return;
  double in = 0, width = 0, columns = 0;
  for (const Parameter& p : m.parameters.rows) {
    if (p.shape.rank == 2) columns = p.shape[1];   // the base's weight comes before its adapter
    if (std::string_view(p.name) != "vera_lambda_b") continue;
    in = std::max(in, columns);
    width = std::max(width, p.shape[0]);
  }
  m.memory.add_bulk({Component::weights, -1, 0, "vera_A", {a->rank, in}, a->format, 1});
  m.memory.add_bulk({Component::weights, -1, 0, "vera_B", {width, a->rank}, a->format, 1});
}

}  // namespace gpumem
