#include "gpumem/number_text.hpp"

#include <cmath>
#include <cstdint>
#include <cstdlib>

namespace gpumem {
namespace {

constexpr int digits_kept = 12;

std::string whole(std::uint64_t n) {
  char digits[20];   // as many as 2^64 has
  char* first = digits + sizeof digits;
  do *--first = static_cast<char>('0' + n % 10);
  while (n /= 10);
  return {first, digits + sizeof digits};
}

/// value · 10^power, in steps whose powers of ten are exact.
double scaled(double value, int power) {
  for (int left = std::abs(power); left > 0; left -= 22) {
    double step = 1;
    for (int i = 0; i < left && i < 22; ++i) step *= 10;
    value = power > 0 ? value * step : value / step;
  }
  return value;
}

/// Digits and a point; `exponent` is that of the first digit.
std::string placed(std::string digits, int exponent) {
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  if (exponent < -5 || exponent >= 18) {
    if (digits.size() > 1) digits.insert(1, 1, '.');
    return digits.append(exponent < 0 ? "e-" : "e+").append(whole(static_cast<std::uint64_t>(std::abs(exponent))));
  }
  if (exponent < 0) return std::string("0.").append(static_cast<std::size_t>(-exponent - 1), '0').append(digits);
  const auto before = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() < before) digits.append(before - digits.size(), '0');
  if (digits.size() > before) digits.insert(before, 1, '.');
  return digits;
}

}  // namespace

std::string number_text(double value) {
  if (!std::isfinite(value)) return "not a number";
  const double size = std::fabs(value);
  std::string sign = value < 0 ? "-" : "";
  if (size < 1e18 && std::floor(size) == size) return sign.append(whole(static_cast<std::uint64_t>(size)));
  int exponent = 0;
  for (double x = size; x >= 10; x /= 10) ++exponent;
  for (double x = size; x < 1; x *= 10) --exponent;
  double kept = std::round(scaled(size, digits_kept - 1 - exponent));
  if (kept >= scaled(1, digits_kept)) kept = scaled(kept, -1), ++exponent;
  return sign.append(placed(whole(static_cast<std::uint64_t>(kept)), exponent));
}

}  // namespace gpumem
