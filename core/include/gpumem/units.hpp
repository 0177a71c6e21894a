#pragma once
// Quantities that cannot be mixed: bytes, elements (stored numbers) and tokens. The only ways in are the makers
// below, the only way out is `in(unit, quantity)`. Held as double: whole numbers are exact up to 2^53 (8 PiB),
// and no product of hostile inputs can overflow into undefined behaviour.

#include <cmath>
#include <compare>
#include <type_traits>

namespace gpumem {

template <class Unit>
struct Maker;

template <class Unit>
class Quantity {
 public:
  constexpr Quantity() = default;

  friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity{a.value_ + b.value_}; }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity{a.value_ - b.value_}; }
  friend constexpr Quantity operator*(Quantity a, double times) { return Quantity{a.value_ * times}; }
  friend constexpr double operator/(Quantity a, Quantity b) { return a.value_ / b.value_; }
  constexpr Quantity& operator+=(Quantity b) { return *this = *this + b; }
  constexpr Quantity& operator-=(Quantity b) { return *this = *this - b; }
  friend constexpr auto operator<=>(Quantity, Quantity) = default;

  /// The smallest multiple of `step` that is not less than this quantity.
  [[nodiscard]] Quantity rounded_up_to(Quantity step) const {
    return Quantity{std::ceil(value_ / step.value_) * step.value_};
  }

 private:
  friend struct Maker<Unit>;
  constexpr explicit Quantity(double value) : value_(value) {}
  double value_ = 0;
};

template <class Unit>
struct Maker {
  double scale = 1;
  constexpr Quantity<Unit> operator()(double count) const { return Quantity<Unit>{count * scale}; }
  constexpr double count(Quantity<Unit> q) const { return q.value_ / scale; }
  friend constexpr double in(Maker unit, Quantity<Unit> q) { return unit.count(q); }
};

using Bytes = Quantity<struct ByteUnit>;
using Elements = Quantity<struct ElementUnit>;
using Tokens = Quantity<struct TokenUnit>;

inline constexpr Maker<struct ByteUnit> bytes{1}, kib{1024}, mib{1048576}, gib{1073741824}, kb{1e3}, mb{1e6}, gb{1e9};
/// To the nearest whole byte.
inline Bytes whole(Bytes b) { return bytes(std::round(in(bytes, b))); }

inline constexpr Maker<struct ElementUnit> elements{1};
inline constexpr Maker<struct TokenUnit> tokens{1};

template <class A, class B>
concept Addable = requires(A a, B b) { a + b; };
static_assert(Addable<Bytes, Bytes> && !Addable<Bytes, Elements> && !Addable<Bytes, double>);
static_assert(!std::is_constructible_v<Bytes, double> && gib(1) != gb(1));

}  // namespace gpumem
