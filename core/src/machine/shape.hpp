#pragma once
// Extents of a tensor, outermost first. Extents are doubles for the reason given in units.hpp.

#include <array>
#include <initializer_list>

#include "gpumem/units.hpp"

namespace gpumem {

struct Shape {
  static constexpr int most = 5;
  std::array<double, most> extent{};
  int rank = 0;

  Shape() = default;
  Shape(std::initializer_list<double> extents) {
    for (double e : extents) extent[static_cast<std::size_t>(rank++)] = e;
  }

  double& operator[](int i) { return extent[static_cast<std::size_t>(i < 0 ? i + rank : i)]; }
  double operator[](int i) const { return extent[static_cast<std::size_t>(i < 0 ? i + rank : i)]; }
  bool operator==(const Shape&) const = default;

  [[nodiscard]] Elements count() const {
    double product = 1;
    for (int i = 0; i < rank; ++i) product *= (*this)[i];
    return elements(product);
  }

  /// This shape with its last extent replaced.
  [[nodiscard]] Shape with_last(double extent_of_last) const {
    Shape changed = *this;
    changed[-1] = extent_of_last;
    return changed;
  }

  /// The shape two operands take together: aligned at the last extent, ones stretched.
  [[nodiscard]] static Shape broadcast(const Shape& a, const Shape& b) {
    Shape out = a.rank >= b.rank ? a : b;
    const Shape& small = a.rank >= b.rank ? b : a;
    for (int i = 1; i <= small.rank; ++i)
      if (out[-i] < small[-i]) out[-i] = small[-i];
    return out;
  }
};

}  // namespace gpumem
