#pragma once
// Ways to split a scenario over GPUs.

#include <optional>

#include "answers/asker.hpp"

namespace gpumem {

struct GpuSplit {
  double gpus = 1;
  Document change;    ///< merge patch of the scenario
  Document degrees;   ///< {"tensor", "pipeline", "data"} and, where states are sharded, "zero"
};

/// The layout with the fewest GPUs that fits; nothing where none of those that are computed does.
std::optional<GpuSplit> smallest_layout(const Asker& asker, std::string_view engine, double most = 1024);

}  // namespace gpumem
