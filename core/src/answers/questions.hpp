#pragma once
// Questions that are answered by asking the estimate again.

#include "answers/asker.hpp"
#include "estimate/scenario.hpp"

namespace gpumem {

/// What fits on this hardware: the largest of everything that can grow, and the fewest GPUs. Without hardware nothing is known.
Document fit_document(const Asker& asker, const Scenario& scenario);

/// Changes that help a scenario which does not fit, or barely: what each saves, whether it is enough, what it costs.
/// Without hardware, all that save something.
Document advice_document(const Asker& asker, const Scenario& scenario);

}  // namespace gpumem
