#include "layers/megatron/recompute.hpp"

namespace gpumem::megatron {

static void bring_back(Machine& m, Node& n, Gradients& g) {
  for (const Value& s : n.saved)
    if (s) m.memory.bring_back(s);
  m.memory.note();
  g.made[0] = std::move(g.given[0]);
}

void Stretch::end() {
  if (wanted_) made_ = machine_.memory.born_since(begin_);
}

Value Stretch::let_go(Value x) {
  Node* node = nullptr;
  int kept = most_saved;
  Value through = std::move(x);
  for (Value& v : made_) {
    if (v->storage == through->storage) continue;
    if (kept == most_saved) {   // one node holds only so many
      node = machine_.record(bring_back, {&through});
      if (!node) break;
      Value same = machine_.view(through, through->shape);
      machine_.bind(node, same);
      through = std::move(same);
      kept = 0;
    }
    machine_.memory.put_away(v);
    machine_.save(node, v);
    ++kept;
  }
  made_.clear();
  return through;
}

}  // namespace gpumem::megatron
