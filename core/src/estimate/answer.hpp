#pragma once
// An estimate as a document.

#include "estimate/overheads.hpp"
#include "estimate/run.hpp"

namespace gpumem {

/// The whole answer for a scenario whose model was run.
Document answer_for(const Scenario& scenario, const Run& run);

/// The whole answer for a bare parameter count: what is proportional to weights.
Document answer_for_count(const Scenario& scenario);

/// The whole answer for a model whose weights are known one by one and whose program is not.
Document answer_for_inventory(const Scenario& scenario);

/// One device: components, bands, and whether it fits.
Document device_document(const Scenario& scenario, const Parts& parts, std::string_view peak_phase, Bytes taken = {});

Document assumptions_document(const Scenario& scenario);

}  // namespace gpumem
