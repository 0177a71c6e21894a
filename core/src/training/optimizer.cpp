#include "training/optimizer.hpp"

namespace gpumem {
namespace {

std::string_view temporaries_of(const catalog::OptimizerRow& o, std::string_view step) {
  if (step == "fused") return o.fused_temporaries;
  return step == "foreach" ? o.foreach_temporaries : o.loop_temporaries;
}

}  // namespace

const catalog::OptimizerRow* find_optimizer(std::string_view id) {
  for (const catalog::OptimizerRow& row : catalog::optimizers)
    if (row.id == id) return &row;
  return nullptr;
}

void add_optimizer_states(Machine& m, const catalog::OptimizerRow& o, std::string_view step) {
  for (const Parameter& p : m.parameters.rows) {
    if (!p.trainable) continue;
    if (o.states_per_parameter > 0)
      m.memory.add_bulk({Component::optimizer_states, p.layer, p.scope, p.name, p.shape, p.format,
                         p.copies * o.states_per_parameter});
    if (o.step_counter && step == "fused")
      m.memory.add_bulk({Component::optimizer_states, p.layer, p.scope, "step", {1}, fp32, p.copies});
  }
}

void step_temporaries(Machine& m, const catalog::OptimizerRow& o, std::string_view step,
                      std::span<const Parameter> parameters) {
  const std::string_view kind = temporaries_of(o, step);
  if (kind == "all-trainable") {
    for (const Parameter& p : parameters)
      if (p.trainable)
        m.memory.add_bulk({Component::workspace, p.layer, p.scope, "step temporary", p.shape, p.format, p.copies});
    m.memory.note();
    m.memory.remove_bulk(Component::workspace);
  } else if (kind == "two-largest") {
    const Parameter* largest = nullptr;
    for (const Parameter& p : parameters)
      if (p.trainable && (!largest || p.stored() > largest->stored())) largest = &p;
    if (!largest) return;
    const Value first = m.allocate(largest->shape, largest->format, "step temporary", Component::workspace);
    const Value second = m.allocate(largest->shape, largest->format, "step temporary", Component::workspace);
  } else {
    m.memory.note();
  }
}

}  // namespace gpumem
