#pragma once
// What can be changed in a scenario to save memory: a table of merge patches, and what each costs.

#include <string>
#include <vector>

#include "gpumem/document.hpp"
#include "estimate/scenario.hpp"

namespace gpumem {

/// What a change costs, in words; empty where it costs nothing of the kind.
struct Costs {
  std::string_view time, quality, complexity;
};

struct Change {
  std::string id;
  std::string_view kind;   ///< what it is a choice of: two of one kind exclude each other
  Document patch;
  Costs costs;
  int regret = 0;          ///< the less, the sooner it is proposed
};

/// All that apply to the scenario's task and engine and that it does not have yet, the least regret first.
/// The reader may still refuse some.
std::vector<Change> changes_for(const Scenario& scenario);

}  // namespace gpumem
