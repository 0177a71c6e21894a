#include "training/optimizer_steps.hpp"

namespace gpumem {

void wide_update(Machine& m, std::span<const Parameter> parameters) {
  const Parameter* largest = nullptr;
  for (const Parameter& p : parameters)
    if (p.trainable && (!largest || p.stored() > largest->stored())) largest = &p;
  if (!largest) return m.memory.note();
  const auto make = [&](const char* label) { return m.allocate(largest->shape, fp32, label, Component::workspace); };
  Value gradient;
  if (largest->format != fp32) gradient = make("gradient, widened");
  const Value square = make("gradient, squared"), update = make("update");
}

void root_of_a_side(Machine& m, std::span<const Parameter> parameters) {
  const Parameter* found = nullptr;
  double most = -1, longest = 0;
  for (const Parameter& p : parameters) {
    if (!p.trainable) continue;
    for (int i = 0; i < p.shape.rank; ++i) {
      const double side = p.shape[i], numbers = 4 * side * side + in(elements, p.shape.count());
      if (numbers > most) most = numbers, found = &p, longest = side;
    }
  }
  if (!found) return m.memory.note();
  const Value gradient = m.allocate(found->shape, found->format, "gradient, a side first", Component::workspace);
  const Value values = m.allocate({longest}, found->format, "singular values", Component::workspace);
  const auto make = [&](const char* label) { return m.allocate({longest, longest}, found->format, label, Component::workspace); };
  const Value left = make("singular vectors"), right = make("singular vectors"), product = make("their product"), root = make("root");
}

}  // namespace gpumem
