#include "placement/shards.hpp"

#include <algorithm>
#include <cmath>

namespace gpumem {

double rows_of_rank(double rows, double ranks, double rank) {
  const double part = std::ceil(rows / ranks);
  return std::clamp(rows - rank * part, 0.0, part);
}

Shape shard_of(Shape whole, double ranks) {
  whole[0] = rows_of_rank(whole[0], ranks, 0);
  return whole;
}

Shape padded_for(Shape whole, double ranks) {
  whole[0] = rows_of_rank(whole[0], ranks, 0) * ranks;
  return whole;
}

}  // namespace gpumem
