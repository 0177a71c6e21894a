#include "engines/ggml/allocator.hpp"

#include <algorithm>
#include <cmath>

namespace gpumem::ggml {
namespace {

constexpr double alignment = 128;

double aligned(double size) { return std::ceil(size / alignment) * alignment; }

bool same_layout(const Tensor& a, const Tensor& b) {
  return a.unit == b.unit && a.extent == b.extent && a.stride == b.stride;
}

class Allocation {
 public:
  Allocation(const Graph& graph, int buffers) : graph_(graph), state_(graph.tensors.size()), lists(static_cast<std::size_t>(buffers)) {}

  void allocate(int t, int buffer);
  void count(const Placed& node);
  void run(const Placed& node);

 private:
  struct State {
    int children = 0, views = 0, buffer = 0;
    double offset = 0;
    bool own = false;   ///< lies in one of the buffers, and is to be freed there
  };
  const Graph& graph_;
  std::vector<State> state_;

  [[nodiscard]] State& of(int t) { return state_[static_cast<std::size_t>(t)]; }
  [[nodiscard]] double size(int t) const { return aligned(graph_.at(t).bytes()); }
  [[nodiscard]] FreeList& list(int buffer) { return lists[static_cast<std::size_t>(buffer)]; }
  bool take_over(int t, int parent);
  void let_go(int t);

 public:
  std::vector<FreeList> lists;
};

/// Puts a result where an operand lies that nobody else needs; what the result does not fill becomes free.
/// A view is no such operand: the allocator owns only what it looks at.
bool Allocation::take_over(int t, int parent) {
  const Tensor& p = graph_.at(parent);
  if (!of(parent).own || p.output || !same_layout(graph_.at(t), p)) return false;
  if (of(parent).children != 1 || of(parent).views != 0) return false;
  State& s = of(t);
  s.buffer = of(parent).buffer;
  s.offset = of(parent).offset;
  of(parent).own = false;
  if (const double rest = size(parent) - size(t); rest > 0) list(s.buffer).give(s.offset + size(t), rest);
  return true;
}

void Allocation::allocate(int t, int buffer) {
  const Tensor& node = graph_.at(t);
  State& s = of(t);
  if (node.external || node.view_of != nothing || s.own) return;
  s.own = true;
  if (node.op == Op::in_place || node.op == Op::rotary)
    for (int i = 0; i < node.sources; ++i)
      if (take_over(t, node.source[static_cast<std::size_t>(i)])) return;
  s.buffer = buffer;
  s.offset = list(buffer).take(size(t));
}

void Allocation::count(const Placed& placed) {
  const Tensor& node = graph_.at(placed.tensor);
  if (node.view_of != nothing && node.op != Op::none) ++of(node.view_of).views;
  if (node.input) allocate(placed.tensor, placed.buffer);
  for (int i = 0; i < node.sources; ++i) {
    const int s = node.source[static_cast<std::size_t>(i)];
    ++of(s).children;
    if (graph_.at(s).input) allocate(s, placed.buffer);
  }
}

void Allocation::let_go(int t) {
  State& s = of(t);
  if (graph_.at(t).output || !s.own) return;
  list(s.buffer).give(s.offset, size(t));
  s.own = false;
}

void Allocation::run(const Placed& placed) {
  const Tensor& node = graph_.at(placed.tensor);
  for (int i = 0; i < node.sources; ++i) allocate(node.source[static_cast<std::size_t>(i)], placed.buffer);
  allocate(placed.tensor, placed.buffer);
  for (int i = 0; i < node.sources; ++i) {
    const int parent = node.source[static_cast<std::size_t>(i)];
    State& p = of(parent);
    if (--p.children != 0 || p.views != 0) continue;
    const int whole = graph_.at(parent).view_of;
    if (whole == nothing)
      let_go(parent);
    else if (--of(whole).views == 0 && of(whole).children == 0)
      let_go(whole);
  }
}

}  // namespace

double FreeList::take(double size) {
  auto best = blocks_.end() - 1;
  for (auto b = blocks_.begin(); b != blocks_.end() - 1; ++b)
    if (b->size >= size && (best == blocks_.end() - 1 || b->size <= best->size)) best = b;
  const double offset = best->offset;
  highest_ = std::max(highest_, offset + size);
  best->offset += size;
  best->size -= size;
  if (best->size == 0) blocks_.erase(best);
  return offset;
}

void FreeList::give(double offset, double size) {
  auto next = blocks_.begin();
  while (next->offset < offset) ++next;
  const auto before = next == blocks_.begin() ? blocks_.end() : next - 1;
  const bool joins_before = before != blocks_.end() && before->offset + before->size == offset;
  if (offset + size == next->offset) {
    next->offset = offset;
    next->size += size;
    if (!joins_before) return;
    before->size += next->size;
    blocks_.erase(next);
  } else if (joins_before) {
    before->size += size;
  } else {
    blocks_.insert(next, {offset, size});
  }
}

std::vector<double> buffer_sizes(const Graph& graph, const Plan& plan, int buffers) {
  Allocation all(graph, buffers);
  for (const Placed& leaf : plan.leafs) all.allocate(leaf.tensor, leaf.buffer);
  for (const Placed& node : plan.nodes) all.count(node);
  for (const Placed& node : plan.nodes) all.run(node);
  std::vector<double> sizes;
  for (const FreeList& l : all.lists) sizes.push_back(l.highest());
  return sizes;
}

}  // namespace gpumem::ggml
