#include "answers/inverse.hpp"

#include <algorithm>
#include <cmath>

namespace gpumem {
namespace {

/// A number that fits and one that does not, with the room at both.
struct Bracket {
  double fits, room, fails, lack;
  const Headroom& headroom;

  [[nodiscard]] double width() const { return fails - fits; }
  /// Asks at that number, kept inside; true if it fits.
  bool narrow(double at) {
    at = std::clamp(at, fits + 1, fails - 1);
    const double left = headroom(at);
    if (left >= 0) {
      fits = at;
      room = left;
    } else {
      fails = at;
      lack = left;
    }
    return left >= 0;
  }
  [[nodiscard]] double crossing() const {
    const double share = room / (room - lack);   // a refusal lacks infinitely much
    return share > 0 && share < 1 ? std::floor(fits + width() * share) : std::floor(fits + width() / 2);
  }
};

}  // namespace

std::optional<double> largest_that_fits(double low, double high, double start, const Headroom& headroom) {
  const double first = headroom(low);
  if (!(first >= 0)) return low - 1;
  Bracket b{low, first, high + 1, 0, headroom};
  // Outwards from what was asked for.
  for (double at = std::clamp(start, low + 1, high);; at = std::min(at * 8, high)) {
    if (b.fits >= high) return std::nullopt;
    const double left = headroom(at);
    if (!(left >= 0)) {
      b.fails = at;
      b.lack = left;
      break;
    }
    b.fits = at;
    b.room = left;
  }
  while (b.width() > 1) {
    const double before = b.width();
    const bool fitted = b.narrow(b.crossing());
    // The crossing is next to here, on the side not yet seen.
    double step = 1;
    for (int tries = 0; tries < 3 && b.width() > 1; ++tries, step *= 4)
      if (b.narrow(fitted ? b.fits + step : b.fails - step) != fitted) break;
    if (b.width() > std::max(1.0, before / 4)) b.narrow(b.fits + std::floor(b.width() / 2));
  }
  return b.fits;
}

}  // namespace gpumem
