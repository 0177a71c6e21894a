#include "training/optimizer.hpp"

#include <algorithm>
#include <cmath>

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

namespace {

bool is_matrix(const Parameter& p) { return p.shape.rank >= 2; }
/// Matrices inside the layers; embeddings and the head are not.
bool is_hidden(const Parameter& p) { return p.shape.rank == 2 && p.hidden; }

void add_state(Machine& m, const Parameter& p, const Shape& shape, double copies, const Format* format = nullptr) {
  m.memory.add_bulk({Component::optimizer_states, p.layer, p.scope, p.name, shape, format ? format : p.format, p.copies * copies});
}

/// States in blocks of so many numbers that share a scale; small parameters keep theirs in fp32.
/// Source: [bitsandbytes] optim/optimizer.py Optimizer2State.init_state; [torchao] optim/adam.py _AdamBase._new_buffer
void add_quantised(Machine& m, const Parameter& p, const catalog::OptimizerRow& o) {
  const double numbers = in(elements, p.shape.count());
  if (numbers < o.smallest) return add_state(m, p, p.shape, o.states_per_parameter, fp32);
  add_state(m, p, {std::ceil(numbers / o.block_elements), o.block_bytes}, o.states_per_parameter, byte_flag);
}

/// What optimizers keep for a matrix beside (or instead of) a number for each of its own; whether the usual states too.
/// Source: [adam-mini] one second moment a row; [soap] GG and Q, [pytorch-optimizer] shampoo.py: two squares a side of
/// at most 10,000; [galore], [apollo]: both moments of a projection to `rank`, and the projection, for matrices in layers
bool add_for_matrix(Machine& m, const Parameter& p, const catalog::OptimizerRow& o) {
  if (o.matrices == "by-row") {
    add_state(m, p, {p.shape.rank >= 2 ? p.shape[0] : 1.0}, 1);
  } else if (o.matrices == "two-sided" && p.shape.rank == 2) {
    constexpr double longest_side = 10000;
    for (const double side : {p.shape[0], p.shape[1]})
      if (side <= longest_side) add_state(m, p, {side, side}, 2);
  } else if (o.matrices == "low-rank" && is_hidden(p)) {
    const double longer = std::max(p.shape[0], p.shape[1]), shorter = std::min(p.shape[0], p.shape[1]);
    const double rank = std::min(o.rank, shorter);
    add_state(m, p, {rank, longer}, o.states_per_parameter);
    add_state(m, p, {shorter, rank}, 1);
    return false;
  }
  return true;
}

const Parameter* largest(std::span<const Parameter> parameters, bool (*among)(const Parameter&)) {
  const Parameter* found = nullptr;
  for (const Parameter& p : parameters)
    if (p.trainable && among(p) && (!found || p.stored() > found->stored())) found = &p;
  return found;
}

bool any(const Parameter&) { return true; }

void one_largest(Machine& m, std::span<const Parameter> parameters) {
  if (const Parameter* p = largest(parameters, any)) m.allocate(p->shape, p->format, "step temporary", Component::workspace).drop();
}

void two_largest(Machine& m, std::span<const Parameter> parameters) {
  const Parameter* p = largest(parameters, any);
  if (!p) return;
  const Value first = m.allocate(p->shape, p->format, "step temporary", Component::workspace);
  const Value second = m.allocate(p->shape, p->format, "step temporary", Component::workspace);
}

void all_trainable(Machine& m, std::span<const Parameter> parameters) {
  for (const Parameter& p : parameters)
    if (p.trainable) m.memory.add_bulk({Component::workspace, p.layer, p.scope, "step temporary", p.shape, p.format, p.copies});
  m.memory.note();
  m.memory.remove_bulk(Component::workspace);
}

/// The second moment as a whole matrix, with this step's rows, columns and their mean.
/// Source: [pytorch-optim] torch/optim/_adafactor.py _single_tensor_adafactor
void factored(Machine& m, std::span<const Parameter> parameters) {
  const Parameter* p = largest(parameters, any);
  if (!p) return;
  const Value rows = m.allocate(p->shape.with_last(1), p->format, "row means", Component::workspace);
  const Value columns = m.allocate({p->shape[-1]}, p->format, "column means", Component::workspace);
  const Value estimate = m.allocate(p->shape, p->format, "second moment", Component::workspace);
  const Value mean = m.allocate({1}, p->format, "mean of rows", Component::workspace);
}

/// Momentum, the matrix being made orthogonal and its next form, beside two products of its shorter side.
/// Source: [pytorch-optim] torch/optim/_muon.py _zeropower_via_newtonschulz
void newton_schulz(Machine& m, std::span<const Parameter> parameters) {
  const Parameter* p = largest(parameters, is_hidden);
  if (!p) return m.memory.note();
  const double side = std::min(p->shape[0], p->shape[1]);
  const Value update = m.allocate(p->shape, p->format, "update", Component::workspace);
  const Value matrix = m.allocate(p->shape, bf16, "orthogonal matrix", Component::workspace);
  const Value product = m.allocate({side, side}, bf16, "product with itself", Component::workspace);
  const Value next = m.allocate({side, side}, bf16, "product, updated", Component::workspace);
  const Value result = m.allocate(p->shape, bf16, "orthogonal matrix, next", Component::workspace);
}

}  // namespace

void add_optimizer_states(Machine& m, const catalog::OptimizerRow& o, std::string_view step, std::span<const Parameter> parameters) {
  for (const Parameter& p : parameters) {
    if (!p.trainable) continue;
    const bool alone = o.matrices == "hidden" && is_hidden(p);
    if (o.matrices == "factored" && is_matrix(p)) {
      add_state(m, p, p.shape.with_last(1), 1);
      add_state(m, p, {p.shape[-1]}, 1);
    } else if (o.block_elements > 0) {
      add_quantised(m, p, o);
    } else if (!alone && !add_for_matrix(m, p, o)) {
      continue;
    } else if (alone || o.states_per_parameter > 0) {
      add_state(m, p, p.shape, alone ? 1 : o.states_per_parameter);
    }
    if (o.step_counter && step == "fused" && !alone)
      m.memory.add_bulk({Component::optimizer_states, p.layer, p.scope, "step", {1}, fp32, p.copies});
  }
}

void step_temporaries(Machine& m, const catalog::OptimizerRow& o, std::string_view step,
                      std::span<const Parameter> parameters) {
  const std::string_view kind = temporaries_of(o, step);
  if (kind == "all-trainable") return all_trainable(m, parameters);
  if (kind == "largest") return one_largest(m, parameters);
  if (kind == "two-largest") return two_largest(m, parameters);
  if (kind == "factored") return factored(m, parameters);
  if (kind == "newton-schulz") return newton_schulz(m, parameters);
  m.memory.note();
}

}  // namespace gpumem
