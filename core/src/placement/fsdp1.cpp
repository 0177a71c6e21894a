#include "placement/fsdp1.hpp"

#include <cmath>
#include <utility>

namespace gpumem {
namespace {

/// What of a packed tensor is a parameter: its codes, and the zeros of groups, which fms-acceleration makes one; scales
/// and tables are attributes or buffers, which each rank has whole.
/// Source: [bitsandbytes] nn/modules.py Params4bit.quant_state; [fms-acceleration] accelerated-peft, autogptq_utils.py
double flattened_bytes(const Parameter& p) {
  double sum = in(bytes, stored_bytes(p.shape.count(), *p.format));
  if (p.format->id.substr(0, 5) == "gptq-" && p.format->extras > 1)
    sum += in(bytes, extra_bytes(p.shape, catalog::format_extras[p.format->first_extra + 1]));
  return sum;
}

bool is_packed(const Parameter& p) { return p.format->extras > 0; }

double part(double whole, double ranks) { return std::ceil(whole / ranks); }

}  // namespace

FlatShard::FlatShard(const ShardingPlan& plan, bool prefetches, const LayerInput& kept, std::vector<Parameter> stored)
    : plan_(plan), prefetches_(prefetches), kept_(kept), whole_(std::move(stored)), shards_(whole_) {
  for (Parameter& p : shards_) p.shape = {part(in(elements, p.shape.count()), plan_.ranks)};
  units_.emplace_back();
  int last = -1, row = 0;
  for (const Parameter& p : whole_) {
    adapters_ = adapters_ || !p.trainable;
    if (p.hidden && p.layer != last) {
      units_.emplace_back();
      units_.back().layer = last = p.layer;
    }
    (p.hidden ? units_.back() : units_.front()).rows.push_back(row++);
  }
}

FlatShard::Unit& FlatShard::unit_of(int layer) {
  for (Unit& u : units_)
    if (u.layer == layer) return u;
  return units_.front();
}

std::span<const Parameter> FlatShard::held() const {
  if (plan_.offloaded) return {};
  return shards_;
}

std::span<const Parameter> FlatShard::accumulated() const {
  if (!plan_.synchronised) return {};
  return held();
}

Parts FlatShard::on_host(const catalog::OptimizerRow& optimizer, std::string_view step) const {
  return plan_.on_host(shards_, optimizer, step);
}

void FlatShard::hold_weights(Machine& m) {
  if (plan_.offloaded) return;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    const Parameter& p = shards_[i];
    const auto add = [&](const Shape& shape, const Format* format) {
      m.memory.add_bulk({Component::weights, p.layer, p.scope, p.name, shape, format, p.copies});
    };
    if (!is_packed(p)) {
      add(p.shape, p.format);
      continue;
    }
    const Parameter& all = whole_[i];
    const double flat = flattened_bytes(all);
    add({part(flat, plan_.ranks)}, uint8);
    add({in(bytes, stored_bytes(all.shape, *all.format)) - flat}, uint8);
  }
}

/// Where a unit is computed in another format, its part is cast before it is sent; where it lies elsewhere, copied.
/// Source: [pytorch-fsdp1] _flat_param.py _use_low_precision_shard, _alloc_padded_unsharded_flat_param
void FlatShard::gather(Machine& m, Unit& unit) {
  if (unit.gathered || plan_.ranks == 1) return;
  double cast = 0, size = 0;
  const Format* to = nullptr;
  for (const int row : unit.rows) {
    const Parameter& p = whole(row);
    const Format* format = m.parameters[row].format;
    const double count = in(elements, p.shape.count());
    size += is_packed(p) ? flattened_bytes(p) : in(bytes, stored_bytes(p.shape.count(), *format));
    if (p.format == format && !plan_.offloaded) continue;
    cast += count;
    to = format;
  }
  const auto take = [&](double count, const Format* format, const char* label) {
    return m.memory.allocate({count}, format, Component::workspace, label, unit.layer, 0);
  };
  const Value narrowed = cast > 0 ? take(part(cast, plan_.ranks), to, "shard, cast") : Value();
  unit.gathered = take(part(size, plan_.ranks) * plan_.ranks, uint8, "gathered weights");
}

void FlatShard::begin_forward(Machine& m) {
  for (Unit& u : units_) {
    u.reported = false;
    if (!plan_.sums_whole()) continue;
    double numbers = 0;   // without no_sync's end gradients stay whole, as they were computed
    for (const int row : u.rows) numbers += whole(row).trainable ? in(elements, whole(row).shape.count()) : 0;
    if (numbers > 0)
      u.accumulated = m.memory.allocate({numbers}, m.parameters[u.rows.front()].format, Component::gradients, "gradients of earlier micro-batches", u.layer, 0);
  }
  gather(m, units_.front());
}

void FlatShard::enter_layer(Machine& m, int layer) { gather(m, unit_of(layer)); }

/// The root stays until its backward, whatever the others do.
/// Source: [pytorch-fsdp1] _runtime_utils.py _post_forward_reshard
void FlatShard::leave_layer(Machine&, int layer) {
  if (plan_.reshard && layer >= 0) unit_of(layer).gathered.drop();
}

/// Source: [pytorch-fsdp1] _runtime_utils.py _prefetch_handle, _get_handle_to_prefetch
void FlatShard::gather_before(Machine& m, const Unit& unit) {
  if (!prefetches_) return;
  const auto at = static_cast<std::size_t>(&unit - units_.data());
  const std::size_t before = at == 0 ? units_.size() - 1 : at - 1;   // the root is the last to leave forward
  if (before > 0) gather(m, units_[before]);
}

void FlatShard::begin_backward(Machine& m) {
  gather(m, units_.front());
  gather_before(m, units_.front());
}

/// The gradients of views of the flat parameter are joined to one as long as it is, which is then scattered.
/// Source: [pytorch-fsdp1] _runtime_utils.py _post_backward_hook, _reduce_grad; [pytorch-derivatives] split_with_sizes
void FlatShard::after_backward(Machine& m, Unit& unit) {
  if (std::exchange(unit.reported, true)) return;
  double numbers = 0;
  const Format* format = nullptr;
  const Format* stored = nullptr;
  for (const int row : unit.rows) {
    const Parameter& p = m.parameters[row];
    if (!p.gradient) continue;
    numbers += in(elements, p.shape.count());
    format = p.format;
    stored = whole(row).format;
  }
  if (!format) return unit.gathered.drop();
  const auto take = [&](double count, const Format* in, const char* label, Component component) {
    return m.memory.allocate({count}, in, component, label, unit.layer, 0);
  };
  Value joined = take(numbers, format, "gradient of the flat parameter", Component::workspace);
  for (const int row : unit.rows) m.parameters[row].gradient.drop();
  unit.gathered.drop();
  const Format* reduced = plan_.reduced ? plan_.reduced : format;
  if (reduced != format) joined = take(numbers, reduced, "gradient to be scattered", Component::workspace);
  const double shard = part(numbers, plan_.ranks);
  unit.gradient = take(shard, reduced, "shard of gradients", Component::gradients);
  joined.drop();
  unit.accumulated.drop();
  if (stored != reduced) unit.gradient = take(shard, stored, "shard of gradients", Component::gradients);
  if (plan_.adds() || plan_.offloaded) unit.gradient.drop();   // added to what is there, or sent to the processor
}

/// Adapters are units inside their layer and left forward before it: the first of them, the last in backward, gathers the
/// layer before.
/// Source: [peft] utils/other.py fsdp_auto_wrap_policy; [pytorch-fsdp1] _exec_order_utils.py get_handle_to_backward_prefetch
void FlatShard::cross_backward(Machine& m, const Schedule& schedule, int from, int to) {
  const int end = units_.back().layer + 1;
  const bool left = from >= 0 && from < end, reached = to >= 0 && to < end;
  if (adapters_ && left && reached) gather_before(m, unit_of(from));
  if (left) after_backward(m, unit_of(from));
  if (adapters_ && kept_.format && left && reached) keep_inputs(m, schedule, from, to);
  if (reached) {
    gather(m, unit_of(to));
    if (!adapters_) gather_before(m, unit_of(to));
  }
  for (const Gap& gap : schedule.gaps)
    if (from > gap.after && to <= gap.after)
      for (const Unit& u : units_)
        if (u.layer >= gap.source_first && u.layer <= gap.source_last) leave_shards(m, u, gap.periods);
}

/// A frozen unit waits for its inputs' gradients with a hook that holds their accumulators until backward ends. Under a
/// reentrant checkpoint inputs are leaves: the accumulator holds the input, which was saved, and its gradient. The
/// gradient of the layer just left is still on its way.
/// Source: [pytorch-fsdp1] _runtime_utils.py _register_post_backward_reshard_only_hook;
/// [pytorch] torch/autograd/graph.py register_multi_grad_hook, torch/utils/checkpoint.py CheckpointFunction
void FlatShard::keep_inputs(Machine& m, const Schedule& schedule, int from, int to) {
  const bool first = from == units_.back().layer;
  for (int i = first ? 1 : 0; i < 2; ++i)
    inputs_.push_back(m.memory.allocate(kept_.shape, kept_.format, Component::activations, "layer's input and its gradient", from, 0));
  for (const Gap& gap : schedule.gaps)
    if (from > gap.after && to <= gap.after)
      m.memory.add_bulk({Component::activations, from, 0, "layer's input and its gradient", kept_.shape, kept_.format,
                         2.0 * gap.periods * (gap.source_last - gap.source_first + 1)});
}

/// What units like this one that were not run have scattered.
void FlatShard::leave_shards(Machine& m, const Unit& unit, double copies) {
  if (plan_.adds() || plan_.offloaded) return;
  for (const int row : unit.rows) {
    const Parameter& p = shards_[static_cast<std::size_t>(row)];
    if (p.trainable) m.memory.add_bulk({Component::gradients, unit.layer, 0, "shard of gradients", p.shape, p.format, copies});
  }
}

void FlatShard::end_backward(Machine& m) {
  for (Unit& u : units_) after_backward(m, u);
  for (Unit& u : units_) u.accumulated.drop();
  inputs_.clear();
  m.memory.remove_bulk(Component::activations);
}

void FlatShard::end_step(Machine&) {
  for (Unit& u : units_) u.gradient.drop();
}

}  // namespace gpumem
