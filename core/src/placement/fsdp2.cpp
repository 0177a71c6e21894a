#include "placement/fsdp2.hpp"

#include <utility>

#include "placement/host_memory.hpp"

namespace gpumem {

/// Source: [pytorch-fsdp2] _fsdp_api.py CPUOffloadPolicy: sharded parameters, gradients and optimizer states
Parts ShardingPlan::on_host(const std::vector<Parameter>& shards, const catalog::OptimizerRow& optimizer, std::string_view step) const {
  HostMemory host;
  if (!offloaded) return host.parts;
  for (const Parameter& p : shards)
    for (double copy = 0; copy < p.copies; ++copy) {
      host.add(Component::weights, stored_bytes(p.shape, *p.format), pinned);
      if (p.trainable) host.add(Component::gradients, stored_bytes(p.shape, *p.format), pinned);
    }
  host.add_states(optimizer, step, shards);
  return host.parts;
}

FullyShard::FullyShard(const ShardingPlan& plan, std::vector<Parameter> stored) : plan_(plan), whole_(std::move(stored)), shards_(whole_) {
  for (Parameter& p : shards_) p.shape = shard_of(p.shape, plan_.ranks);
  units_.emplace_back();
  int last = -1, row = 0;
  for (const Parameter& p : whole_) {
    if (p.hidden && p.layer != last) {
      units_.emplace_back();
      units_.back().layer = last = p.layer;
    }
    (p.hidden ? units_.back() : units_.front()).rows.push_back(row++);
  }
}

FullyShard::Unit& FullyShard::unit_of(int layer) {
  for (Unit& u : units_)
    if (u.layer == layer) return u;
  return units_.front();
}

Value FullyShard::take(Machine& m, const Unit& unit, const Shape& shape, const Format* format, const char* label, Component component) {
  return m.memory.allocate(shape, format, component, label, unit.layer, 0);
}

void FullyShard::let_go(Unit& unit) {
  for (Value& v : unit.gathered) v.drop();
  unit.gathered.clear();
}

std::span<const Parameter> FullyShard::held() const {
  if (plan_.offloaded) return {};
  return shards_;
}

std::span<const Parameter> FullyShard::accumulated() const {
  if (!plan_.synchronised) return {};
  return held();
}

Parts FullyShard::on_host(const catalog::OptimizerRow& optimizer, std::string_view step) const {
  return plan_.on_host(shards_, optimizer, step);
}

void FullyShard::hold_weights(Machine& m) {
  if (plan_.offloaded) return;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    const Parameter& p = shards_[i];
    m.memory.add_bulk({Component::weights, p.layer, p.scope, p.name, p.shape, p.format, p.copies});
  }
}

/// Shards that change their format are cast together first, those that lie elsewhere copied one by one; then all are
/// sent, in one piece.
/// Source: [pytorch-fsdp2] _fsdp_collectives.py foreach_all_gather, _get_param_all_gather_inputs; _fsdp_param.py all_gather_inputs
void FullyShard::gather(Machine& m, Unit& unit) {
  if (!unit.gathered.empty() || unit.arrived || plan_.ranks == 1) return;
  double cast = 0, all = 0, size = 0;
  const Format* to = nullptr;
  bool alike = true;
  for (const int row : unit.rows) {
    const Format* format = m.parameters[row].format;
    const double count = in(elements, shards_[static_cast<std::size_t>(row)].shape.count());
    if (whole(row).format != format || plan_.offloaded) cast += count;
    alike = alike && (!to || to == format);
    to = format;
    all += count * plan_.ranks;
    size += in(bytes, stored_bytes(elements(count), *format)) * plan_.ranks;
  }
  const Value narrowed = cast > 0 ? take(m, unit, {cast}, to, "shards, cast") : Value();
  unit.arrived = take(m, unit, {alike ? all : size}, alike ? to : uint8, "gathered shards");
}

/// In forward the piece that arrived stays until the next unit has arrived, so that copying out and gathering overlap.
/// Source: [pytorch-fsdp2] _fsdp_param_group.py wait_for_unshard
void FullyShard::copy_out(Machine& m, Unit& unit, bool forward) {
  if (!unit.gathered.empty()) return;
  if (forward) kept_.drop();
  for (const int row : unit.rows)
    unit.gathered.push_back(take(m, unit, padded_for(whole(row).shape, plan_.ranks), m.parameters[row].format, "gathered weight"));
  if (forward) kept_ = std::move(unit.arrived);
  else unit.arrived.drop();
}

void FullyShard::begin_forward(Machine& m) {
  for (Unit& u : units_) {
    u.reported = false;
    if (plan_.sums_whole()) hold_accumulated(m, u);
  }
  gather(m, units_.front());
  copy_out(m, units_.front(), true);
}

/// Without set_requires_gradient_sync gradients stay whole, in the format they are reduced in.
/// Source: [pytorch-fsdp2] _fsdp_param.py to_accumulated_grad_if_needed, accumulate_unsharded_grad_if_needed
void FullyShard::hold_accumulated(Machine& m, Unit& unit) {
  double numbers = 0;
  const Format* format = nullptr;
  for (const int row : unit.rows) {
    if (!whole(row).trainable) continue;
    numbers += in(elements, whole(row).shape.count());
    format = plan_.reduced ? plan_.reduced : m.parameters[row].format;
  }
  if (format) unit.accumulated = take(m, unit, {numbers}, format, "gradients of earlier micro-batches", Component::gradients);
}

void FullyShard::enter_layer(Machine& m, int layer) {
  Unit& unit = unit_of(layer);
  gather(m, unit);
  copy_out(m, unit, true);
}

void FullyShard::leave_layer(Machine&, int layer) {
  if (plan_.reshard && layer >= 0) let_go(unit_of(layer));
}

/// Where layers let go so does the root, for accelerate says it of each unit.
void FullyShard::end_forward(Machine&) {
  if (plan_.reshard) let_go(units_.front());
  kept_.drop();
}

/// The unit that ran before it is gathered while this one runs.
/// Source: [pytorch-fsdp2] _fsdp_param_group.py pre_backward, _backward_prefetch
void FullyShard::before_backward(Machine& m, Unit& unit) {
  gather(m, unit);
  copy_out(m, unit, false);
  const auto at = static_cast<std::size_t>(&unit - units_.data());
  const std::size_t before = at == 0 ? units_.size() - 1 : at - 1;   // the root is the last to leave forward
  if (before > 0) gather(m, units_[before]);
}

void FullyShard::begin_backward(Machine& m) { before_backward(m, units_.front()); }

/// Source: [pytorch-fsdp2] _fsdp_param_group.py post_backward
void FullyShard::after_backward(Machine& m, Unit& unit) {
  if (std::exchange(unit.reported, true)) return;
  let_go(unit);
  sent_.drop();
  double numbers = 0;
  const Format* stored = nullptr;
  for (const int row : unit.rows) {
    if (!m.parameters[row].gradient) continue;
    numbers += in(elements, shards_[static_cast<std::size_t>(row)].shape.count());
    stored = whole(row).format;
  }
  if (stored) scatter(m, unit, numbers, stored);
}

/// `numbers`: of this rank's shards. What is sent stays until the next unit sends; where replicas are summed as well,
/// so does what they sum, until backward ends.
/// Source: [pytorch-fsdp2] _fsdp_collectives.py foreach_reduce
void FullyShard::scatter(Machine& m, Unit& unit, double numbers, const Format* stored) {
  const Format* reduced = plan_.reduced ? plan_.reduced : stored;
  sent_ = take(m, unit, {numbers * plan_.ranks}, reduced, "gradients to be scattered");
  for (const int row : unit.rows) m.parameters[row].gradient.drop();
  unit.accumulated.drop();
  const bool same = reduced == stored;
  unit.gradient = take(m, unit, {numbers}, reduced, "shard of gradients", same ? Component::gradients : Component::workspace);
  if (!same) {
    Value narrow = take(m, unit, {numbers}, stored, "shard of gradients", Component::gradients);
    if (plan_.replicated) unit.reduced = std::move(unit.gradient);
    unit.gradient = std::move(narrow);
  }
  if (plan_.adds() || plan_.offloaded) unit.gradient.drop();   // added to what is there, or sent to the processor
}

void FullyShard::cross_backward(Machine& m, const Schedule& schedule, int from, int to) {
  const int end = units_.back().layer + 1;
  if (from >= 0 && from < end) after_backward(m, unit_of(from));
  if (to >= 0 && to < end) before_backward(m, unit_of(to));
  for (const Gap& gap : schedule.gaps)
    if (from > gap.after && to <= gap.after)
      for (const Unit& u : units_)
        if (u.layer >= gap.source_first && u.layer <= gap.source_last) leave_shards(m, u, gap.periods);
}

/// What units like this one that were not run have scattered.
void FullyShard::leave_shards(Machine& m, const Unit& unit, double copies) {
  double numbers = 0;
  const Format* stored = nullptr;
  for (const int row : unit.rows) {
    const Parameter& p = shards_[static_cast<std::size_t>(row)];
    if (!p.trainable) continue;
    numbers += in(elements, p.shape.count());
    stored = p.format;
  }
  if (!stored) return;
  const auto add = [&](Component component, const Format* format) {
    m.memory.add_bulk({component, unit.layer, 0, "shard of gradients", {numbers}, format, copies});
  };
  if (!plan_.adds() && !plan_.offloaded) add(Component::gradients, stored);
  if (plan_.replicated && plan_.reduced && plan_.reduced != stored) add(Component::workspace, plan_.reduced);
}

void FullyShard::end_backward(Machine& m) {
  for (Unit& u : units_) after_backward(m, u);
  for (Unit& u : units_) u.arrived.drop(), u.reduced.drop(), u.accumulated.drop();
  kept_.drop();
  sent_.drop();
  m.memory.remove_bulk(Component::workspace);
}

void FullyShard::end_step(Machine&) {
  for (Unit& u : units_) u.gradient.drop();
}

}  // namespace gpumem
