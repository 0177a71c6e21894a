// Operations that move or select elements.
// Source: [pytorch-derivatives] cat, slice, split, expand, clone

#include "machine/machine.hpp"

namespace gpumem {
namespace {

Layout contiguous(const Shape& shape) { return shape.rank >= 4 ? Layout::head_major : Layout::token_major; }

/// The gradient of each part is a view of the whole's.
void cat_backward(Machine& m, Node& n, Gradients& g) {
  for (std::size_t i = 0; i < 2; ++i)
    if (n.wants(static_cast<int>(i))) g.made[i] = m.view(g.given[0], n.input[i].shape);
}

void slice_backward(Machine& m, Node& n, Gradients& g) {
  g.made[0] = m.gradient_like(n, 0, "gradient, zeros around a slice", contiguous(n.input[0].shape));
}

/// The row's gradient is summed over the batch, the rest's is a view.
void prepend_backward(Machine& m, Node& n, Gradients& g) {
  if (n.wants(0)) g.made[0] = m.gradient_like(n, 0, "row gradient");
  if (n.wants(1)) g.made[1] = m.view(g.given[0], n.input[1].shape);
}

/// Parts nobody used arrive as zeros.
void split_backward(Machine& m, Node& n, Gradients& g) {
  std::array<Value, most_outputs> zeros;
  for (std::size_t o = 0; o < most_outputs; ++o)
    if (!g.given[o] && n.output[o].format) zeros[o] = m.allocate(n.output[o].shape, n.output[o].format, "zeros");
  g.made[0] = m.gradient_like(n, 0, "gradient, glued", contiguous(n.input[0].shape));
}

void repeat_backward(Machine& m, Node& n, Gradients& g) {
  g.made[0] = m.gradient_like(n, 0, "gradient, summed over repeats", Layout::head_major);
}

/// Each part's gradient is a view of the whole's.
void stack_backward(Machine& m, Node& n, Gradients& g) {
  for (std::size_t i = 0; i < most_inputs; ++i)
    if (n.wants(static_cast<int>(i))) g.made[i] = m.view(g.given[0], n.input[i].shape);
}

void front_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient, summed over repeats"); }

void front_mean_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient of the mean"); }

Shape with_front(const Shape& shape, double count) {
  Shape whole = {count};
  for (int i = 0; i < shape.rank; ++i) whole.extent[static_cast<std::size_t>(whole.rank++)] = shape[i];
  return whole;
}

}  // namespace

Value Machine::stack(const std::vector<Value>& parts, const char* label) {
  const Value none;
  const auto part = [&](std::size_t i) { return i < parts.size() ? &parts[i] : &none; };
  Node* node = record(stack_backward, {part(0), part(1), part(2), part(3)});
  Value out = allocate(with_front(parts[0]->shape, static_cast<double>(parts.size())), parts[0]->format, label);
  return bind(node, out);
}

Value Machine::repeat_in_front(Value x, double times) {
  const Value from = std::move(x);
  Node* node = record(front_backward, {&from});
  Value out = allocate(with_front(from->shape, times), from->format, "repeated");
  return bind(node, out);
}

Value Machine::mean_in_front(Value x) {
  const Value from = std::move(x);
  Node* node = record(front_mean_backward, {&from});
  Value out = allocate({from->shape[1], from->shape[2], from->shape[3]}, from->format, "mean");
  return bind(node, out);
}

Value Machine::cat(Value x, Value y, const char* label) {
  const Value a = std::move(x), b = std::move(y);
  Node* node = record(cat_backward, {&a, &b});
  Value out = allocate(a->shape.with_last(a->shape[-1] + b->shape[-1]), promoted(a->format, b->format), label);
  out->layout = contiguous(out->shape);
  return bind(node, out);
}

Value Machine::slice(Value x, double width) {
  const Value from = std::move(x);
  Value part = view(from, from->shape.with_last(width));
  return bind(record(slice_backward, {&from}), part);
}

Value Machine::pick(Value x, const Shape& shape) {
  const Value from = std::move(x);
  Value part = view(from, shape);
  return bind(record(slice_backward, {&from}), part);
}

Value Machine::prepend(Value row, Value x, const char* label) {
  const Value first = std::move(row), rest = std::move(x);
  Node* node = record(prepend_backward, {&first, &rest});
  Value out = allocate({rest->shape[0], rest->shape[1] + (first->shape.rank == 3 ? first->shape[1] : 1), rest->shape[2]}, promoted(first->format, rest->format), label);
  return bind(node, out);
}

std::vector<Value> Machine::split(Value x, const std::vector<double>& widths) {
  const Value from = std::move(x);
  Node* node = record(split_backward, {&from});
  std::vector<Value> parts;
  for (double width : widths) {
    Value part = view(from, from->shape.with_last(width));
    bind(node, part, static_cast<int>(parts.size()));
    parts.push_back(std::move(part));
  }
  return parts;
}

/// A chunk and the rest, again and again: gradients wait until all are there, and at the end parts and whole are both
/// alive, as with one operation of many outputs.
std::vector<Value> Machine::split_rows(Value x, double rows) {
  std::vector<Value> parts;
  while (x->shape[0] > rows) {
    const Value from = std::move(x);
    Node* node = record(split_backward, {&from});
    Value part = view(from, {rows, from->shape[1]});
    x = view(from, {from->shape[0] - rows, from->shape[1]});
    bind(node, part, 0);
    bind(node, x, 1);
    parts.push_back(std::move(part));
  }
  parts.push_back(std::move(x));
  return parts;
}

/// [b, k, s, d] → [b, k·times, s, d]: a copy, unless there is nothing to repeat, or one that is stretched.
Value Machine::repeat_heads(Value x, double times) {
  if (times <= 1) return x;
  return [this, times](Value from) {
    Node* node = record(repeat_backward, {&from});
    Shape shape = from->shape;
    const bool one = shape[1] == 1;
    shape[1] = shape[1] * times;
    if (one) {
      Value stretched = view(from, shape);
      stretched->layout = Layout::token_major;   // sequences and heads are no one extent
      return bind(node, stretched);
    }
    Value out = allocate(shape, from->format, "repeated heads");
    out->layout = Layout::head_major;
    return bind(node, out);
  }(std::move(x));
}

/// [b, s, heads·d] seen as [b, heads, s, d].
Value Machine::heads(Value x, double count) {
  return view(x, {x->shape[0], count, x->shape[1], x->shape[2] / count});
}

/// [b, heads, s, d] → [b, s, heads·d]; free if the tokens are already the outer extent.
Value Machine::flatten_heads(Value x) {
  Value from = std::move(x);
  const Shape flat = {from->shape[0], from->shape[2], from->shape[1] * from->shape[3]};
  if (from->layout == Layout::head_major && from->shape[2] > 1)
    from = copy(std::move(from), "heads side by side", Layout::token_major);
  Value out = view(from, flat);
  out->layout = Layout::token_major;
  return out;
}

}  // namespace gpumem
