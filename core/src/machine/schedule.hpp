#pragma once
// Which layers of a model are run. Long stretches of identical layers are not run one by one: each leaves the same
// memory behind and frees the same, so what is alive at a given operation of layer i is an affine function of i, and
// its maximum lies at one of the ends. The ends are run; one layer in between stands for those that are not.

#include <vector>

namespace gpumem {

/// A gap in the sequence of layers run.
struct Gap {
  int after = 0;                      ///< the last layer run before it
  int period = 1;                     ///< layers after which the kinds repeat
  int source_first = 0, source_last = 0;   ///< layers that stand for the missing ones
  int periods = 0;                    ///< how many periods are missing
  [[nodiscard]] int layers() const { return period * periods; }
};

struct Schedule {
  std::vector<int> layers;
  std::vector<Gap> gaps;
};

/// Where nothing is recorded for a way back, fewer layers show what all leave behind.
enum class Passes { both_ways, forward };

/// `kinds`: a number per layer, equal where layers are alike. With `compressed` false every layer is run.
Schedule plan_layers(const std::vector<int>& kinds, bool compressed, Passes passes = Passes::both_ways);

/// The same where so many layers are run as one: gaps lie between them.
Schedule plan_layers(const std::vector<int>& kinds, int together, bool compressed);

}  // namespace gpumem
