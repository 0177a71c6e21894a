#include "training/optimizer.hpp"

#include <algorithm>

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

void add_state(Machine& m, const Parameter& p, const Shape& shape, double copies) {
  m.memory.add_bulk({Component::optimizer_states, p.layer, p.scope, p.name, shape, p.format, p.copies * copies});
}

const Parameter* largest(std::span<const Parameter> parameters, bool (*among)(const Parameter&)) {
  const Parameter* found = nullptr;
  for (const Parameter& p : parameters)
    if (p.trainable && among(p) && (!found || p.stored() > found->stored())) found = &p;
  return found;
}

bool any(const Parameter&) { return true; }

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
  if (kind == "two-largest") return two_largest(m, parameters);
  if (kind == "factored") return factored(m, parameters);
  if (kind == "newton-schulz") return newton_schulz(m, parameters);
  m.memory.note();
}

}  // namespace gpumem
