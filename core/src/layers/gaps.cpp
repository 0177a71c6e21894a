#include "layers/gaps.hpp"

#include "machine/parts.hpp"

namespace gpumem {

void pass_gap(Machine& m, const Gap& gap) {
  for (Parameter& p : m.parameters.rows)
    if (p.layer >= gap.source_first && p.layer <= gap.source_last) p.copies = 1 + gap.periods;
  m.memory.settle(gap.source_first, gap.source_last);
  m.memory.multiply(gap.source_first, gap.source_last, gap.periods);
  if (whole_engine && m.recording)
    for (auto& [layer, waiting] : m.host)
      if (layer >= gap.source_first && layer <= gap.source_last) waiting = waiting * (1 + gap.periods);
}

void close_gaps(Machine& m, const Schedule& schedule, int from_layer, int to_layer, bool gradients_stay) {
  for (const Gap& gap : schedule.gaps) {
    if (from_layer <= gap.after || to_layer > gap.after) continue;
    m.memory.divide(gap.source_first, gap.source_last);
    for (const Parameter& p : m.parameters.rows)
      if (gradients_stay && p.trainable && !p.gradient_leaves && p.layer >= gap.source_first && p.layer <= gap.source_last)
        m.memory.add_bulk({Component::gradients, p.layer, p.scope, p.name, p.shape, p.format, p.copies - 1});
  }
}

}  // namespace gpumem
