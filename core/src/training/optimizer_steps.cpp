#include "training/optimizer_steps.hpp"

#include <algorithm>
#include <vector>

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

void by_format(Machine& m, std::span<const Parameter> parameters, int lists, bool (*among)(const Parameter&)) {
  struct Group {
    const Format* format;
    Bytes size;
  };
  std::vector<Group> groups = {{nullptr, {}}};
  for (const Parameter& p : parameters) {
    if (!p.trainable || !among(p)) continue;
    auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.format == p.format; });
    if (group == groups.end()) group = groups.insert(groups.end(), {p.format, {}});
    group->size += p.stored() * p.copies;
  }
  double most = -1, made = 0, left = 0;
  Group now = groups[0], before = groups[0];
  for (std::size_t i = 1; i < groups.size(); ++i)
    for (int done = 1; done <= lists; ++done) {
      const double held = in(bytes, groups[i].size * done + groups[i - 1].size * (lists - done + 1));
      if (held > most) most = held, now = groups[i], before = groups[i - 1], made = done, left = lists - done + 1;
    }
  for (const Parameter& p : parameters) {
    if (!p.trainable || !among(p) || (p.format != now.format && p.format != before.format)) continue;
    m.memory.add_bulk({Component::workspace, p.layer, p.scope, "step temporary", p.shape, p.format, p.copies * (p.format == now.format ? made : left)});
  }
  m.memory.note();
  m.memory.remove_bulk(Component::workspace);
}

void factored_together(Machine& m, std::span<const Parameter> parameters) {
  for (const bool vectors : {false, true}) {
    for (const Parameter& p : parameters) {
      const bool matrix = p.shape.rank >= 2;
      if (!p.trainable || (!matrix && !vectors)) continue;
      const auto add = [&](const char* label, const Shape& shape) { m.memory.add_bulk({Component::workspace, p.layer, p.scope, label, shape, p.format, p.copies}); };
      add("step temporary", p.shape);
      if (!vectors) add("mean of rows", {in(elements, p.shape.count()) / p.shape[-1] / p.shape[-2]});
    }
    m.memory.note();
    m.memory.remove_bulk(Component::workspace);
  }
}

}  // namespace gpumem
