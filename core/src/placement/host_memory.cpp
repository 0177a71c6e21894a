#include "placement/host_memory.hpp"

#include <cmath>

#include "training/optimizer.hpp"

namespace gpumem {

void HostMemory::add(Component use, Bytes size, bool pinned) {
  parts[use] += size;
  const double raw = in(bytes, size);
  if (pinned && raw > 0) parts[Component::rounding] += bytes(std::exp2(std::ceil(std::log2(raw))) - raw);
}

void HostMemory::add_states(const catalog::OptimizerRow& optimizer, std::string_view step, const std::vector<Parameter>& parameters) {
  Machine there;
  add_optimizer_states(there, optimizer, step, parameters);
  const Parts made = there.memory.ledger.parts();
  parts[Component::optimizer_states] += made[Component::optimizer_states] + there.managed;
}

}  // namespace gpumem
