#include "placement/zero_states.hpp"

#include "placement/host_memory.hpp"

namespace gpumem {

/// Flat buffers are as long as a multiple of two numbers a rank.
/// Source: [deepspeed] stage_1_and_2.py flatten_dense_tensors_aligned, nccl_start_alignment_factor
ZeroStates::ZeroStates(const ZeroPlan& plan, std::vector<Parameter> every)
    : plan_(plan), every_(std::move(every)), format_(trained_format(every_)) {
  double at = 0;
  for (const Parameter& p : every_) {
    offsets_.push_back(at);
    if (p.trainable) at += in(elements, p.shape.count());
  }
  part_ = std::ceil(at / (2 * plan_.ranks)) * 2;
  all_ = part_ * plan_.ranks;
  // The rank whose gradients are sent first has them beside the most of everything else; it is the one that is counted.
  own_ = sends_in_backward() ? touched(all_ - part_, all_) : touched(0, part_);
  if (!plan_.offload_optimizer) held_.push_back(flat_partition(part_));
  if (plan_.offload_optimizer && sends_in_backward()) return;
  summed_.push_back(flat_partition(sends_in_backward() ? own_ : at));
  summed_.back().name = "gradients";
  summed_.back().format = format_;
}

double ZeroStates::touched(double from, double to) const {
  double sum = 0;
  for (std::size_t i = 0; i < every_.size(); ++i) {
    const double numbers = every_[i].trainable ? in(elements, every_[i].shape.count()) : 0;
    if (offsets_[i] < to && offsets_[i] + numbers > from) sum += numbers;
  }
  return sum;
}

/// Parameters that go into it in the model's order, in which stage 1 sends; one that is too large goes alone and stays.
double ZeroStates::first_bucket() const {
  double sum = 0;
  for (const Parameter& p : every_) {
    const double numbers = p.trainable ? in(elements, p.shape.count()) : 0;
    if (sum + numbers > plan_.options.reduce_bucket_size) break;
    sum += numbers;
  }
  return sum;
}

Value ZeroStates::take(Machine& m, double numbers, const Format* format, Component use, const char* label) {
  return m.memory.allocate({numbers}, format, use, label, -1, 0);
}

/// A gradient on its way to the processor passes a buffer of its own.
/// Source: [deepspeed] stage_1_and_2.py __init__: bit16_groups_flat, single_partition_of_fp32_groups, temp_grad_buffer_for_gpu_offload
void ZeroStates::hold_weights(Machine& m) {
  m.memory.add_bulk({Component::weights, -1, 0, "flat weights", {all_}, format_, 1});
  for (const Parameter& p : m.parameters.rows)
    if (!p.trainable) m.memory.add_bulk({Component::weights, p.layer, p.scope, p.name, p.shape, p.format, p.copies});
  if (plan_.offload_optimizer)
    m.memory.add_bulk({Component::workspace, -1, 0, "gradient to be offloaded", {largest_trained(every_)}, format_, 1});
  else
    m.memory.add_bulk({Component::optimizer_states, -1, 0, "master weights", {part_}, fp32, 1});
}

/// Rows of the machine are those of layers that are run; of a layer, both have the same ones in the same order.
double ZeroStates::offset_of(const Machine& m, int row) const {
  const int layer = m.parameters.rows[static_cast<std::size_t>(row)].layer;
  int within = 0;
  for (int i = 0; i < row; ++i) within += m.parameters.rows[static_cast<std::size_t>(i)].layer == layer;
  for (std::size_t i = 0; i < every_.size(); ++i)
    if (every_[i].layer == layer && within-- == 0) return offsets_[i];
  return 0;
}

void ZeroStates::open_buckets(Machine& m) {
  if (!buckets_.empty() || !plan_.options.contiguous_gradients) return;
  for (int i = 0; i < (plan_.options.overlap_comm ? 2 : 1); ++i)
    buckets_.push_back(take(m, plan_.options.reduce_bucket_size, format_, Component::workspace, "bucket of gradients"));
}

/// Stage 1 keeps its bucket from the first gradient to the last micro-batch.
void ZeroStates::begin_forward(Machine& m) {
  if (plan_.accumulating && !sends_in_backward()) open_buckets(m);
}

void ZeroStates::begin_backward(Machine& m) {
  m.on_gradient = [this, &m](Parameter& p) { return arrived(m, p); };
}

/// Stage 1 keeps gradients until backward is over, unless it overlaps.
/// Source: [deepspeed] stage_1_and_2.py process_gradients, reduce_independent_p_g_buckets_and_remove_grads
bool ZeroStates::arrived(Machine& m, Parameter& p) {
  open_buckets(m);
  if (!sends_in_backward()) return plan_.accumulating;   // added to what is there
  const double numbers = in(elements, p.shape.count());
  const double most = plan_.options.reduce_bucket_size;
  if (filled_ > 0 && filled_ + numbers > most) reduce_bucket(m);
  begin_ = offset_of(m, static_cast<int>(&p - m.parameters.rows.data()));
  filled_ += numbers;
  widest_ = std::max(widest_, numbers);
  ++in_bucket_;
  if (numbers > most || buckets_.empty()) waiting_.push_back(p.gradient);
  return true;
}

/// Parts that go to several ranks are joined first. This rank's own gradients are copied out of the bucket.
/// Source: [deepspeed] stage_1_and_2.py average_tensor, allreduce_bucket, copy_grads_in_partition
void ZeroStates::reduce(Machine& m, double numbers, double begin, bool one_alone) {
  const bool several = std::floor(begin / part_) != std::floor((begin + numbers - 1) / part_);
  if (several || (buckets_.empty() && !one_alone)) take(m, numbers, format_, Component::workspace, "gradients joined").drop();
  if (!plan_.offload_optimizer && !part_of_gradients_)
    part_of_gradients_ = take(m, own_, format_, Component::gradients, "partition of gradients");
}

void ZeroStates::reduce_bucket(Machine& m) {
  if (filled_ > 0) reduce(m, filled_, begin_, in_bucket_ == 1);
  if (plan_.offload_optimizer && widest_ > 0) widen_for_norm(m, std::min(widest_, part_));
  waiting_.clear();
  filled_ = widest_ = 0;
  in_bucket_ = 0;
}

void ZeroStates::cross_backward(Machine& m, const Schedule& schedule, int from, int to) {
  if (sends_in_backward() || plan_.accumulating) return;
  for (const Gap& gap : schedule.gaps)
    if (from > gap.after && to <= gap.after)
      for (const Parameter& p : m.parameters.rows)
        if (p.trainable && p.layer >= gap.source_first && p.layer <= gap.source_last)
          m.memory.add_bulk({Component::gradients, p.layer, p.scope, p.name, p.shape, p.format, p.copies - 1});
}

/// Stage 1 sends from here on: when the first bucket is on its way, the gradients in it are gone.
/// Source: [deepspeed] stage_1_and_2.py reduce_gradients, independent_gradient_partition_epilogue
void ZeroStates::end_backward(Machine& m) {
  m.on_gradient = nullptr;
  if (sends_in_backward()) {
    reduce_bucket(m);
  } else {
    for (Parameter& p : m.parameters.rows) p.gradient.drop();
    m.memory.remove_bulk(Component::gradients);
    const double first = plan_.options.contiguous_gradients ? first_bucket() : 0;
    const Value rest = take(m, std::max(trained_numbers(every_) - first, 1.0), format_, Component::gradients, "gradients to be sent");
    reduce(m, std::max(first, 1.0), 0, first == 0);
  }
  if (plan_.accumulating && sends_in_backward()) part_of_gradients_.drop();   // added to what is there
  buckets_.clear();
}

/// Assumes that this rank's part has the largest gradient, or is full of it.
/// Source: [deepspeed] stage_1_and_2.py step: scaled_global_norm, flatten, then .to(fp32)
void ZeroStates::prepare_step(Machine& m) {
  if (plan_.offload_optimizer) return;
  widen_for_norm(m, std::min(largest_trained(every_), part_));
  Value joined = take(m, part_, format_, Component::gradients, "partition of gradients, flat");
  if (format_ != fp32) stepped_ = take(m, part_, fp32, Component::gradients, "gradients in fp32");
  else stepped_ = std::move(joined);
  joined.drop();
  part_of_gradients_.drop();
  m.memory.remove_bulk(Component::gradients);
}

void ZeroStates::end_step(Machine&) {
  part_of_gradients_.drop();
  stepped_.drop();
}

/// Source: [deepspeed] stage_1_and_2.py __init__, initialize_optimizer_states, async_accumulate_grad_in_cpu_via_gpu
Parts ZeroStates::on_host(const catalog::OptimizerRow& optimizer, std::string_view step) const {
  HostMemory host;
  if (!plan_.offload_optimizer) return host.parts;
  const auto add = [&](Component use, double numbers, const Format* format) {
    host.add(use, stored_bytes(elements(numbers), *format), plan_.pinned);
  };
  add(Component::optimizer_states, part_, fp32);   // master weights
  add(Component::workspace, part_, format_);       // weights on their way back
  add(Component::gradients, part_, fp32);
  add(Component::workspace, largest_trained(every_), format_);
  if (plan_.accumulating) add(Component::gradients, part_, format_);
  host.add_states(optimizer, step, {flat_partition(part_)});
  return host.parts;
}

}  // namespace gpumem
