#include "engines/ggml/graph.hpp"

namespace gpumem::ggml {
namespace {

/// Strides in bytes of a tensor that lies in one piece.
Extents packed(double unit, const Extents& e) {
  return {unit, unit * e[0], unit * e[0] * e[1], unit * e[0] * e[1] * e[2]};
}

}  // namespace

int Graph::add(Tensor t) {
  tensors.push_back(t);
  return static_cast<int>(tensors.size()) - 1;
}

int Graph::input(double unit, Extents extent) {
  Tensor t;
  t.unit = unit;
  t.extent = extent;
  t.stride = packed(unit, extent);
  t.input = true;
  return add(t);
}

int Graph::blank(double unit, Extents extent) {
  const int made = input(unit, extent);
  at(made).input = false;
  return made;
}

int Graph::cache(double unit, Extents extent, int home) {
  const int made = input(unit, extent);
  at(made).input = false;
  at(made).external = true;
  at(made).home = static_cast<signed char>(home);
  return made;
}

int Graph::weight(double unit, Extents extent, int home) {
  const int made = cache(unit, extent, home);
  at(made).weight = true;
  return made;
}

int Graph::make(Op op, Extents extent, std::initializer_list<int> sources, double unit) {
  Tensor t;
  t.op = op;
  t.unit = unit;
  t.extent = extent;
  t.stride = packed(unit, extent);
  for (const int s : sources)
    if (s != nothing) t.source[static_cast<std::size_t>(t.sources++)] = s;
  return add(t);
}

int Graph::like(Op op, int first, std::initializer_list<int> others) {
  const int made = make(op, at(first).extent, {first}, at(first).unit);
  Tensor& t = at(made);
  for (const int s : others)
    if (s != nothing) t.source[static_cast<std::size_t>(t.sources++)] = s;
  return made;
}

int Graph::product(int matrix, int t) {
  const Extents &m = at(matrix).extent, &x = at(t).extent;
  return make(Op::product, {m[1], x[1], x[2], x[3]}, {matrix, t});
}

int Graph::chosen_product(int matrices, int t, int choice) {
  return make(Op::product, {at(matrices).extent[1], at(choice).extent[0], at(t).extent[2], 1}, {matrices, t, choice});
}

int Graph::rows(int table, int choice) {
  const Extents &t = at(table).extent, &c = at(choice).extent;
  return make(Op::rows, {t[0], c[0], c[1], c[2]}, {table, choice});
}

int Graph::set_rows(int target, int t, int choice) {
  const int made = view(target, at(target).extent, at(target).stride[1], at(target).stride[2], at(target).stride[3], 0);
  Tensor& set = at(made);
  set.op = Op::fresh;
  set.source = {t, choice, target};
  set.sources = 3;
  return made;
}

int Graph::joined(int a, int b) {
  Extents e = at(a).extent;
  e[0] += at(b).extent[0];
  return make(Op::fresh, e, {a, b});
}

int Graph::view(int t, Extents extent, double stride1, double stride2, double stride3, double offset) {
  const Tensor& from = at(t);
  Tensor v;
  v.op = Op::view;
  v.unit = from.unit;
  v.extent = extent;
  v.stride = {from.stride[0], stride1, stride2, stride3};
  v.view_of = from.view_of == nothing ? t : from.view_of;
  v.offset = from.offset + offset;
  v.source[0] = t;
  v.sources = 1;
  return add(v);
}

int Graph::reshape(int t, Extents extent) {
  const Extents s = packed(at(t).unit, extent);
  return view(t, extent, s[1], s[2], s[3], 0);
}

int Graph::permute(int t, std::array<int, 4> axes) {
  const int made = view(t, at(t).extent, 0, 0, 0, 0);
  Tensor& v = at(made);
  const Tensor& from = at(t);
  for (std::size_t d = 0; d < 4; ++d) {
    v.extent[static_cast<std::size_t>(axes[d])] = from.extent[d];
    v.stride[static_cast<std::size_t>(axes[d])] = from.stride[d];
  }
  return made;
}

void Graph::expand(int t) {
  if (visited_.size() < tensors.size()) visited_.resize(tensors.size(), 0);
  char& seen = visited_[static_cast<std::size_t>(t)];
  if (seen) return;
  seen = 1;
  const Tensor& tensor = at(t);
  for (int s = 0; s < tensor.sources; ++s) expand(tensor.source[static_cast<std::size_t>(s)]);
  (tensor.op == Op::none ? leafs : nodes).push_back(t);
}

}  // namespace gpumem::ggml
