#pragma once
// ggml's graph: tensors without contents, in the order in which ggml would compute them.

#include <array>
#include <cstddef>
#include <initializer_list>
#include <vector>

namespace gpumem::ggml {

/// Only what decides memory: whether a result may lie where its operand lay, and where its backend comes from.
enum class Op : unsigned char {
  none,       ///< a leaf: input, weight, cache
  view,       ///< view, reshape, permute, transpose
  fresh,      ///< a result of its own: products, GLU, LayerNorm, rows, copies …
  in_place,   ///< may overwrite an operand of the same layout: sums, RMSNorm, softmax …
  rotary,     ///< in place; its small tables do not say where it runs
  attention,  ///< flash attention; neither do its sinks
  product,    ///< of a matrix; worth carrying the matrix to a GPU for, if the batch is large
  rows,       ///< rows of a table, taken where the table is
};

using Extents = std::array<double, 4>;

inline constexpr int nothing = -1;
inline constexpr int most_sources = 10;   ///< GGML_MAX_SRC

struct Tensor {
  Op op = Op::none;
  bool input = false, output = false;
  bool weight = false, external = false;   ///< lies in a buffer of its own: weights, caches
  signed char home = nothing;              ///< backend where it lies, or was told to run
  signed char sources = 0;
  double unit = 4;                         ///< bytes of one element
  Extents extent{1, 1, 1, 1}, stride{};
  double behind = 0;                       ///< bytes that a GPU's buffer gets beyond its elements
  int view_of = nothing;
  double offset = 0;                       ///< of a view
  std::array<int, most_sources> source{};

  [[nodiscard]] double elements() const { return extent[0] * extent[1] * extent[2] * extent[3]; }
  /// From the first byte to the last, with what a view leaves out between them.
  [[nodiscard]] double bytes() const {
    if (elements() == 0) return 0;
    return extent[0] * unit + (extent[1] - 1) * stride[1] + (extent[2] - 1) * stride[2] + (extent[3] - 1) * stride[3] + behind;
  }
};

/// Tensors that a fused kernel still reads when the node at `position` is computed.
struct Kept {
  std::size_t position;
  std::vector<int> tensors;
};

/// Source: [ggml] src/ggml.c: how each operation shapes its result, and ggml_build_forward_expand
class Graph {
 public:
  std::vector<Tensor> tensors;
  std::vector<int> nodes, leafs;
  std::vector<Kept> kept;

  [[nodiscard]] const Extents& extent(int t) const { return at(t).extent; }
  [[nodiscard]] Tensor& at(int t) { return tensors[static_cast<std::size_t>(t)]; }
  [[nodiscard]] const Tensor& at(int t) const { return tensors[static_cast<std::size_t>(t)]; }

  int weight(double unit, Extents extent, int home);
  int cache(double unit, Extents extent, int home);
  int input(double unit, Extents extent);
  /// Memory that nothing fills before it is used.
  int blank(double unit, Extents extent);

  int make(Op op, Extents extent, std::initializer_list<int> sources, double unit = 4);
  int like(Op op, int first, std::initializer_list<int> others = {});
  int in_place(int t) { return like(Op::in_place, t); }
  int sum(int a, int b) { return like(Op::in_place, a, {b}); }
  int product(int matrix, int t);
  int chosen_product(int matrices, int t, int choice);
  int rows(int table, int choice);
  int contiguous(int t) { return make(Op::fresh, at(t).extent, {t}, at(t).unit); }
  int set_rows(int target, int t, int choice);
  int joined(int a, int b);

  int view(int t, Extents extent, double stride1, double stride2, double stride3, double offset);
  int reshape(int t, Extents extent);
  int permute(int t, std::array<int, 4> axes);

  /// Adds what `t` needs and is not there yet, operands before results, first operand first.
  void expand(int t);
  /// The tensors stay alive until the node after the last one so far is computed.
  void keep(std::vector<int> tensors_) { kept.push_back({nodes.size(), std::move(tensors_)}); }

 private:
  int add(Tensor t);
  std::vector<char> visited_;
};

}  // namespace gpumem::ggml
