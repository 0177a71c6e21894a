// Operations that choose, gather and share out: what mixtures of experts are made of.
// Source: [pytorch-derivatives] topk, gather, index, max, masked_fill, sum, div, sub, clamp, sigmoid, _grouped_mm

#include "machine/machine.hpp"

namespace gpumem {
namespace {

/// A stretched view: no memory.
void sum_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.view(g.given[0], n.input[0].shape); }

/// A stretched view that has to become rows: a copy.
void sum_rows_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient of each row"); }

void sigmoid_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient"); }

/// Kept where the input was inside the limits.
void clamp_backward(Machine& m, Node& n, Gradients& g) {
  const Value inside = m.allocate(n.input[0].shape, byte_flag, "inside the limits");
  g.made[0] = m.gradient_like(n, 0, "gradient");
}

void scale_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient", g.given[0]->layout); }

/// Halved where both are equal, nothing where the number was larger: one expression, all of whose parts live to its end.
void at_least_backward(Machine& m, Node& n, Gradients& g) {
  const Shape& shape = n.input[0].shape;
  const Value smaller = m.allocate(shape, byte_flag, "smaller"), halved = m.allocate(shape, g.given[0]->format, "gradient / 2");
  const Value equal = m.allocate(shape, byte_flag, "equal"), chosen = m.allocate(shape, g.given[0]->format, "gradient or half of it");
  g.made[0] = m.gradient_like(n, 0, "gradient", g.given[0]->layout);
}

/// Values that were chosen among others get their gradient back among zeros.
void choice_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient among zeros"); }

void stretch_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient, summed"); }

void depending_backward(Machine& m, Node& n, Gradients& g) {
  if (n.wants(0)) g.made[0] = g.given[0];
  if (n.wants(1)) g.made[1] = m.gradient_like(n, 1, "gradient of sinks");
}

void mask_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient, masked"); }

void both_backward(Machine& m, Node& n, Gradients& g) {
  for (int i = 0; i < 2; ++i)
    if (n.wants(i)) g.made[static_cast<std::size_t>(i)] = m.gradient_like(n, i, "gradient");
}

void through_both(Machine&, Node& n, Gradients& g) {
  for (int i = 0; i < 2; ++i)
    if (n.wants(i)) g.made[static_cast<std::size_t>(i)] = g.given[0];
}

/// Source: [pytorch-derivatives] index_add
void add_rows_backward(Machine& m, Node& n, Gradients& g) {
  if (n.wants(0)) g.made[0] = g.given[0];
  if (n.wants(1)) g.made[1] = m.gradient_like(n, 1, "gradient of those rows");
}

/// One gradient for the experts' weights as a whole.
void grouped_backward(Machine& m, Node& n, Gradients& g) {
  if (n.wants(1)) g.made[1] = m.gradient_like(n, 1, "experts' weight gradient");
  if (n.wants(0)) g.made[0] = m.gradient_like(n, 0, "input gradient");
}

/// Two copies in place, the last one first: the whole gradient is copied, the part's share is copied out of it.
/// Source: [pytorch-autograd-engine] torch/csrc/autograd/functions/tensor.cpp CopySlices::apply
void fill_backward(Machine& m, Node& n, Gradients& g) {
  for (const int i : {1, 0}) {
    Value whole = m.allocate(n.output[0].shape, n.output[0].format, "gradient, copied");
    whole->layout = Layout::head_major;
    g.given[0] = whole;
    if (!n.wants(i)) continue;
    Value part = m.allocate(n.output[0].shape.with_last(n.input[static_cast<std::size_t>(i)].shape[-1]), n.output[0].format, "gradient of a part");
    part->layout = Layout::head_major;
    if (!(part->shape == n.input[static_cast<std::size_t>(i)].shape)) {
      Value summed = m.gradient_like(n, i, "gradient, summed over heads");
      part = std::move(summed);
    }
    g.made[static_cast<std::size_t>(i)] = std::move(part);
  }
}

}  // namespace

Value Machine::sum_last(Value x) {
  const Value from = std::move(x);
  Node* node = record(sum_backward, {&from});
  Value out = allocate(from->shape.with_last(1), from->format, "sum");
  return bind(node, out);
}

Value Machine::sum_rows(Value x, double count) {
  const Value from = std::move(x);
  Node* node = record(sum_rows_backward, {&from});
  Value out = allocate({from->shape[0] / count, from->shape[1]}, from->format, "sum");
  return bind(node, out);
}

Value Machine::sigmoid(Value x) { return unary(std::move(x), "sigmoid", sigmoid_backward, false, true); }
Value Machine::clamp(Value x) { return unary(std::move(x), "clamp", clamp_backward, true, false); }

Value Machine::divide(Value x, Value y) {
  const Value a = std::move(x), b = std::move(y);
  Node* node = record(both_backward, {&a, &b});
  if (node && node->wants(1)) save(node, a);
  save(node, b);
  Value out = allocate(Shape::broadcast(a->shape, b->shape), promoted(a->format, b->format), "divide");
  return bind(node, out);
}

Value Machine::divide_in_place(Value x, Value by) {
  const Value a = std::move(x), b = std::move(by);
  Node* node = record(both_backward, {&a, &b});
  if (node && node->wants(1)) save(node, allocate(a->shape, a->format, "before division"));
  save(node, b);
  Value out = view(a, a->shape);
  return bind(node, out);
}

Value Machine::clamp_in_place(Value x) {
  const Value from = std::move(x);
  Node* node = record(clamp_backward, {&from});
  if (node) save(node, allocate(from->shape, from->format, "before clamping"));
  Value out = view(from, from->shape);
  return bind(node, out);
}

Value Machine::scale_in_place(Value x) {
  const Value from = std::move(x);
  Node* node = record(scale_backward, {&from});
  Value out = view(from, from->shape);
  return bind(node, out);
}

/// Source: [pytorch-derivatives] maximum
Value Machine::at_least(Value x) {
  const Value from = std::move(x), number = allocate({1}, from->format, "number");
  Node* node = record(at_least_backward, {&from});
  save(node, from);
  save(node, number);
  Value out = allocate(from->shape, from->format, "at least");
  out->layout = from->layout;
  return bind(node, out);
}

Value Machine::add_in_place(Value x, Value y) {
  const Value a = std::move(x), b = std::move(y);
  Node* node = record(through_both, {&a, &b});
  Value out = view(a, a->shape);
  return bind(node, out);
}

Value Machine::add_rows(Value x, Value y, Value numbers) {
  const Value a = std::move(x), b = std::move(y), at = std::move(numbers);
  Node* node = record(add_rows_backward, {&a, &b});
  if (node && node->wants(1)) save(node, at), save(node, b);   // the rows only for their shape, but they are saved
  Value out = view(a, a->shape);
  return bind(node, out);
}

Value Machine::max_last(Value x) {
  Top greatest = top(std::move(x), 1);
  return greatest.values;
}

Value Machine::stretch(Value x, const Shape& shape) {
  const Value from = std::move(x);
  Node* node = record(stretch_backward, {&from});
  Value out = view(from, shape);
  return bind(node, out);
}

Value Machine::depending(Value x, Value small) {
  const Value from = std::move(x), p = std::move(small);
  Node* node = record(depending_backward, {&from, &p});
  Value out = view(from, from->shape);
  return bind(node, out);
}

Value Machine::mask_out(Value x, Value mask) {
  const Value from = std::move(x), where = std::move(mask);
  Node* node = record(mask_backward, {&from});
  save(node, where);
  Value out = allocate(from->shape, from->format, "masked");
  return bind(node, out);
}

Machine::Top Machine::top(Value x, double count) {
  const Value from = std::move(x);
  Node* node = record(choice_backward, {&from});
  Top best;
  best.values = costly(from->shape.with_last(count), from->format, "top values");
  best.indices = costly(from->shape.with_last(count), int64, "top indices");
  save(node, best.indices);
  bind(node, best.values);
  return best;
}

/// x [..., n] by indices [..., count]; both are saved.
Value Machine::gather(Value x, Value indices) {
  const Value from = std::move(x), at = std::move(indices);
  Node* node = record(choice_backward, {&from});
  save(node, from);
  save(node, at);
  Value out = allocate(at->shape, from->format, "gathered");
  return bind(node, out);
}

/// x [rows, ...] by numbers [count].
Value Machine::take_rows(Value x, Value numbers) {
  const Value from = std::move(x), at = std::move(numbers);
  Node* node = record(choice_backward, {&from});
  save(node, at);
  Shape shape = from->shape;
  shape[0] = at->shape[0];
  Value out = allocate(shape, from->format, "rows");
  return bind(node, out);
}

/// x [rows, in], sorted by expert, times weight [experts, out, in] (or [experts, in, out]). Not an operation autocast
/// knows: x takes the format of the weight.
/// Source: [transformers] integrations/moe.py _grouped_mm
Value Machine::grouped_linear(Value x, Value weight, Value offsets, const char* label, bool transposed) {
  const Value w = std::move(weight), to = std::move(offsets);
  const Value from = cast(std::move(x), w->format);
  Node* node = record(grouped_backward, {&from, &w});
  if (node && node->wants(1)) save(node, from);
  if (node && node->wants(0)) save(node, w);
  save(node, to);
  Value out = allocate({from->shape[0], w->shape[transposed ? 2 : 1]}, from->format, label);
  return bind(node, out);
}

Value Machine::fill_side_by_side(Value x, Value y, const char* label) {
  const Value a = std::move(x), b = std::move(y);
  Node* node = record(fill_backward, {&a, &b});
  Value out = allocate(a->shape.with_last(a->shape[-1] + b->shape[-1]), a->format, label);
  out->layout = Layout::head_major;
  return bind(node, out);
}

}  // namespace gpumem
