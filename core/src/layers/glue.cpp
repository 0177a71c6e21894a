#include "layers/glue.hpp"

namespace gpumem {

/// Source: [pytorch-derivatives] cat
Value glue(Machine& m, const std::vector<Value>& parts, const Shape& shape, const char* label) {
  Value all = m.allocate(shape, parts.front()->format, label);
  for (const Value& part : parts) {
    Node* node = m.record([](Machine& on, Node& n, Gradients& g) {
      if (n.wants(0)) g.made[0] = g.given[0];
      if (n.wants(1)) g.made[1] = on.view(g.given[0], n.input[1].shape);
    }, {&all, &part});
    all = m.view(all, all->shape);
    m.bind(node, all);
  }
  return all;
}

}  // namespace gpumem
