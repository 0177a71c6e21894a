#include "placement/zero_parameters.hpp"

#include "placement/host_memory.hpp"

namespace gpumem {

/// Source: [deepspeed] stage3.py _create_fp16_sub_groups
ZeroParameters::ZeroParameters(const ZeroPlan& plan, std::vector<Parameter> every)
    : plan_(plan), every_(std::move(every)), trace_(plan_, every_), format_(trained_format(every_)) {
  double group = 0;
  const auto close = [&] {
    if (group > 0) held_.push_back(flat_partition(group));
    widest_ = std::max(widest_, group);
    group = 0;
  };
  for (const Parameter& p : every_) {
    end_ = std::max(end_, p.layer);
    if (!p.trainable) continue;
    part_ += part(p);
    group += part(p);
    if (group >= plan_.options.sub_group_size) close();
  }
  close();
}

/// On the device.
std::span<const Parameter> ZeroParameters::held() const {
  if (plan_.offload_optimizer) return {};
  return held_;
}

/// One call of the optimizer sees one group: the largest, wherever it is.
std::span<const Parameter> ZeroParameters::stepped() const {
  for (const Parameter& p : held_)
    if (!plan_.offload_optimizer && p.shape[0] == widest_) return {&p, 1};
  return {};
}

Value ZeroParameters::take(Machine& m, double numbers, const Format* format, Component use, const char* label) {
  return m.memory.allocate({numbers}, format, use, label, -1, 0);
}

/// Parts of what is trained lie end to end. Small parameters are whole beside their parts. The buffer of gradients is as
/// long as the parts and never goes.
/// Source: [deepspeed] stage3.py _create_fp16_partitions_with_defragmentation, _setup_for_real_optimizer;
/// partition_parameters.py ds_persist
void ZeroParameters::hold_weights(Machine& m) {
  const auto add = [&](Component use, double numbers, const Format* format, const char* label) {
    if (numbers > 0) m.memory.add_bulk({use, -1, 0, label, {numbers}, format, 1});
  };
  double persistent = 0;
  for (const Parameter& p : every_) {
    const double numbers = in(elements, p.shape.count());
    if (numbers <= plan_.options.persistence_threshold) persistent += numbers;
    if (!p.trainable && !plan_.offload_parameters) add(Component::weights, part(p), p.format, p.name);
  }
  if (!plan_.offload_parameters) add(Component::weights, part_, format_, "partition of weights");
  add(Component::weights, persistent, format_, "persistent weights");
  if (plan_.options.contiguous_gradients) add(Component::workspace, plan_.options.reduce_bucket_size, format_, "bucket of gradients");
  if (plan_.offload_optimizer) return;
  add(Component::gradients, part_, format_, "partition of gradients");
  if (format_ != fp32) add(Component::optimizer_states, part_, fp32, "master weights");
}

void ZeroParameters::gather(Machine& m, double kept, double moment) {
  gathered_.drop();
  const auto whole = [&](double numbers) { return take(m, numbers, format_, Component::workspace, "gathered weights"); };
  if (moment > kept) whole(moment).drop();
  if (kept > 0) gathered_ = whole(kept);
}

void ZeroParameters::enter_layer(Machine& m, int layer) {
  const Gathered& wanted = trace_.forward(layer);
  gather(m, wanted.kept, wanted.moment);
}

/// What lies behind the layers has run when the loss is made.
void ZeroParameters::leave_layer(Machine& m, int layer) {
  const Gathered& wanted = trace_.forward(end_);
  if (layer + 1 == end_) gather(m, wanted.after, std::max(wanted.moment, wanted.kept));
}

void ZeroParameters::begin_backward(Machine& m) {
  m.on_gradient = [this, &m](Parameter& p) { return arrived(m, p); };
}

/// The head's weights are there, or come when the loss's backward is over.
void ZeroParameters::cross_backward(Machine& m, const Schedule&, int from, int to) {
  if (from == end_) gather(m, trace_.backward(end_).kept, trace_.backward(end_).moment);
  gather(m, trace_.backward(to).kept, trace_.backward(to).moment);
}

/// Source: [deepspeed] stage3.py reduce_independent_p_g_buckets_and_remove_grads, __add_grad_to_ipg_bucket
bool ZeroParameters::arrived(Machine& m, Parameter& p) {
  const double numbers = in(elements, p.shape.count()), most = plan_.options.reduce_bucket_size;
  if (filled_ > 0 && filled_ + numbers > most) reduce(m);
  filled_ += numbers;
  ++in_bucket_;
  if (numbers > most || !plan_.options.contiguous_gradients) waiting_.push_back(p.gradient);
  return true;
}

/// Gradients are interleaved by rank, but for one alone that divides evenly.
/// Source: [deepspeed] runtime/comm/coalesced_collectives.py reduce_scatter_coalesced
void ZeroParameters::reduce(Machine& m) {
  if (filled_ > 0 && (in_bucket_ > 1 || std::fmod(filled_, plan_.ranks) != 0))
    take(m, filled_, format_, Component::workspace, "gradients by rank").drop();
  waiting_.clear();
  filled_ = 0;
  in_bucket_ = 0;
}

void ZeroParameters::end_backward(Machine& m) {
  m.on_gradient = nullptr;
  reduce(m);
  gathered_.drop();
}

/// Source: [deepspeed] stage3.py step: scaled_global_norm, _prepare_fp32_grad_for_sub_group
void ZeroParameters::prepare_step(Machine& m) {
  if (plan_.offload_optimizer) return;
  widen_for_norm(m, std::ceil(largest_trained(every_) / plan_.ranks));
  Value joined = take(m, widest_, format_, Component::gradients, "gradients of a group, flat");
  if (format_ != fp32) stepped_ = take(m, widest_, fp32, Component::gradients, "gradients in fp32");
  else stepped_ = std::move(joined);
  joined.drop();
}

void ZeroParameters::end_step(Machine&) { stepped_.drop(); }

/// Source: [deepspeed] stage3.py initialize_optimizer_states, _setup_for_real_optimizer, _create_param_groups_fp16_flat_cpu_memory
Parts ZeroParameters::on_host(const catalog::OptimizerRow& optimizer, std::string_view step) const {
  HostMemory host;
  const auto add = [&](Component use, double numbers, const Format* format, bool pinned) {
    host.add(use, stored_bytes(elements(numbers), *format), pinned && plan_.pinned);
  };
  if (plan_.offload_parameters)
    add(Component::weights, part_, format_, true);
  if (!plan_.offload_optimizer) return host.parts;
  for (const Parameter& group : held_) {
    add(Component::optimizer_states, group.shape[0], fp32, false);   // master weights
    add(Component::gradients, group.shape[0], fp32, true);
  }
  add(Component::gradients, part_, format_, true);
  host.add_states(optimizer, step, held_);
  return host.parts;
}

}  // namespace gpumem
