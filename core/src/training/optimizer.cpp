#include "training/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "machine/parts.hpp"
#include "training/optimizer_steps.hpp"

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

std::optional<Bytes> states_of_count(const catalog::OptimizerRow& o, double numbers, const Format& format) {
  if (whole_engine && o.block_elements > 0) return bytes(std::ceil(numbers / o.block_elements) * o.block_bytes * o.states_per_parameter);
  if (!o.matrices.empty()) return std::nullopt;
  return stored_bytes_of_any(elements(numbers), format) * o.states_per_parameter;
}

namespace {

bool is_matrix(const Parameter& p) { return p.shape.rank >= 2; }
/// Matrices inside the layers; embeddings and the head are not.
bool is_hidden(const Parameter& p) { return p.shape.rank == 2 && p.hidden; }

void add_state(Machine& m, const Parameter& p, const Shape& shape, double copies, const Format* format = nullptr) {
  m.memory.add_bulk({Component::optimizer_states, p.layer, p.scope, p.name, shape, format ? format : p.format, p.copies * copies});
}

/// States in blocks of so many numbers that share an fp32 scale: the numbers packed, a scale for each begun block, and
/// tables of what a packed number stands for: bitsandbytes has one a kind of state, torchao one beside every state. Small
/// parameters keep theirs in fp32 there, in their own format here, as do those that are no whole number of blocks.
/// Source: [bitsandbytes] optim/optimizer.py init_state, fill_qmap; [torchao] optim/adam.py _new_buffer, subclass_4bit.py
void add_quantised(Machine& m, const Parameter& p, const catalog::OptimizerRow& o, bool first) {
  const double numbers = in(elements, p.shape.count()), states = o.states_per_parameter;
  const double number_bytes = (o.block_bytes - 4) / o.block_elements;
  const bool own = o.table_each_state || o.no_table;
  if (numbers < o.smallest) return add_state(m, p, p.shape, states, own ? p.format : fp32);
  if (own && std::fmod(numbers, o.block_elements) > 0) return add_state(m, p, p.shape, states);
  if (is_managed(p, o)) m.managed += bytes(numbers * number_bytes * states * p.copies);
  else add_state(m, p, {numbers * number_bytes}, states, byte_flag);
  add_state(m, p, {std::ceil(numbers / o.block_elements)}, states, fp32);
  if (o.no_table) return;
  if (own) return add_state(m, p, {std::exp2(8 * number_bytes)}, states, fp32);
  if (first) m.memory.add_bulk({Component::optimizer_states, p.layer, p.scope, "table", {256}, fp32, states});
}

bool is_low_rank(const catalog::OptimizerRow& o) { return o.matrices == "low-rank" || o.matrices == "random-low-rank"; }

double projected_rank(const Parameter& p, const catalog::OptimizerRow& o) {
  return o.matrices == "random-low-rank" ? o.rank : std::min({o.rank, p.shape[0], p.shape[1]});
}

constexpr double longest_side = 10000;   // of a matrix whose sides SOAP squares

/// What optimizers keep for a matrix beside (or instead of) a number for each of its own; whether the usual states too.
/// "by-row": a second moment a row, one for any other tensor; Adam-mini has one a head of queries and keys, which is less.
/// "two-sided": two squares a side; "each-side": of vectors too, however long. Of low rank: both moments of a projection of the gradient, and the projection, for
/// matrices in layers; APOLLO's is random and has `rank` rows, GaLore's is cut out of the whole decomposition, which it
/// keeps alive unless it is cast back to 16 bits. APOLLO limits growth by the last step's norm.
/// Source: [adam-mini] adam_mini.py step; [soap] soap.py init_preconditioner; [galore] galore_projector.py
/// get_orthogonal_matrix; [pytorch-optimizer] optimizer/shampoo.py Shampoo.init_group; [apollo] apollo.py step, random_projector.py
bool add_for_matrix(Machine& m, const Parameter& p, const catalog::OptimizerRow& o) {
  if (o.matrices == "by-row") {
    add_state(m, p, {p.shape.rank >= 2 ? p.shape[0] : 1.0}, 1);
  } else if (o.matrices == "two-sided" && p.shape.rank == 2) {
    for (const double side : {p.shape[0], p.shape[1]})
      if (side <= longest_side) add_state(m, p, {side, side}, 2);
  } else if (o.matrices == "each-side") {
    for (int i = 0; i < p.shape.rank; ++i) add_state(m, p, {p.shape[i], p.shape[i]}, 2);
  } else if (is_low_rank(o) && is_hidden(p)) {
    const bool random = o.matrices == "random-low-rank";
    const double longer = std::max(p.shape[0], p.shape[1]), shorter = std::min(p.shape[0], p.shape[1]);
    const double rank = projected_rank(p, o);
    add_state(m, p, {rank, longer}, o.states_per_parameter);
    add_state(m, p, {shorter, !random && p.format == fp32 ? shorter : rank}, 1);
    if (random) add_state(m, p, {1}, 1);
    return false;
  }
  return true;
}

using Among = bool (*)(const Parameter&);
bool any(const Parameter&) { return true; }
bool is_not_hidden(const Parameter& p) { return !is_hidden(p); }

const Parameter* largest(std::span<const Parameter> parameters, Among among) {
  const Parameter* found = nullptr;
  for (const Parameter& p : parameters)
    if (p.trainable && among(p) && (!found || p.stored() > found->stored())) found = &p;
  return found;
}

Value temporary(Machine& m, const Parameter& p, const Format* format) {
  return m.allocate(p.shape, format, "step temporary", Component::workspace);
}

/// PyTorch's loops are one function over all parameters: the last tensor of one parameter's turn lives on in the next one's.
/// Models register what a layer multiplies by, each matrix with its bias, before its norms.
struct Turn {
  const Parameter *before = nullptr, *at = nullptr;
};

Turn worst_turn(std::span<const Parameter> parameters, double tensors, Among among) {
  std::vector<const Parameter*> order, vectors;
  const auto close_layer = [&] {
    order.insert(order.end(), vectors.begin(), vectors.end());
    vectors.clear();
  };
  for (const Parameter& p : parameters) {
    if (!p.trainable || !among(p)) continue;
    if (!vectors.empty() && vectors.back()->layer != p.layer) close_layer();
    const bool of_last_matrix = !order.empty() && order.back()->layer == p.layer && order.back()->scope == p.scope;
    (is_matrix(p) || of_last_matrix ? order : vectors).push_back(&p);
  }
  close_layer();
  Turn worst, now;
  double most = -1;
  for (const Parameter* p : order) {
    now = {now.at, p};
    const double held = tensors * in(bytes, p->stored()) + (now.before ? in(bytes, now.before->stored()) : 0);
    if (held > most) most = held, worst = now;
  }
  return worst;
}

/// Source: [pytorch-optim] torch/optim/rmsprop.py, adagrad.py (one tensor: the root); adamw.py, nadam.py (two)
void loop(Machine& m, std::span<const Parameter> parameters, int tensors, Among among) {
  const Turn turn = worst_turn(parameters, tensors, among);
  if (!turn.at) return m.memory.note();
  Value before, second;
  if (turn.before) before = temporary(m, *turn.before, turn.before->format);
  const Value first = temporary(m, *turn.at, turn.at->format);
  if (tensors > 1) second = temporary(m, *turn.at, turn.at->format);
}

/// Where gradients are projected: two tensors of the last parameter that is not, the head, meet the first projected gradient
/// and its root; of a projected one the gradient, its root and their quotient meet the update as large as the weight, and
/// that scaled. APOLLO has a factor for each of the longer side's numbers, and one more.
/// Source: [galore] adamw.py step; [apollo] apollo.py step
void projected_update(Machine& m, const catalog::OptimizerRow& o, std::span<const Parameter> parameters) {
  const auto projected = [&](const Parameter& h) {
    return m.allocate({projected_rank(h, o), std::max(h.shape[0], h.shape[1])}, h.format, "projected gradient", Component::workspace);
  };
  if (const Parameter* p = largest(parameters, is_not_hidden)) {
    const Value first = temporary(m, *p, p->format), second = temporary(m, *p, p->format);
    const auto h = std::find_if(parameters.begin(), parameters.end(), [](const Parameter& one) { return one.trainable && is_hidden(one); });
    if (h != parameters.end()) {
      const Value gradient = projected(*h), root = projected(*h);
    }
  }
  const Parameter* h = largest(parameters, is_hidden);
  if (!h) return m.memory.note();
  const Value gradient = projected(*h), root = projected(*h), quotient = projected(*h);
  const Value update = temporary(m, *h, h->format);
  Value factors, limit;
  if (o.matrices == "random-low-rank") {
    factors = m.allocate({std::max(h->shape[0], h->shape[1])}, h->format, "factors", Component::workspace);
    limit = m.allocate({1}, h->format, "limit", Component::workspace);
  }
  const Value scaled = temporary(m, *h, h->format);
}

/// Two tensors of the largest parameter, in functions that let go of theirs after each.
/// Source: [lion-pytorch] lion_pytorch.py update_fn; [adam-mini] adam_mini.py step; [lomo] lomo.py fuse_update: gradient and
/// weight in fp32
void two_largest(Machine& m, const catalog::OptimizerRow& o, std::span<const Parameter> parameters) {
  if (is_low_rank(o)) return projected_update(m, o, parameters);
  const Parameter* p = largest(parameters, any);
  if (!p || (o.in_backward && p->format == fp32)) return m.memory.note();
  const Format* format = o.in_backward ? fp32 : p->format;
  const Value first = temporary(m, *p, format), second = temporary(m, *p, format);
}

/// Of all parameters at once. Adagrad makes the roots and, to keep the gradients as they are, their products with the rate.
/// Source: [pytorch-optim] torch/optim/adagrad.py _multi_tensor_adagrad; others' _multi_tensor functions: the roots alone
void all_trainable(Machine& m, std::span<const Parameter> parameters, int lists, Among among) {
  if (whole_engine) return by_format(m, parameters, lists, among);
  for (const Parameter& p : parameters)
    if (p.trainable && among(p)) m.memory.add_bulk({Component::workspace, p.layer, p.scope, "step temporary", p.shape, p.format, p.copies * lists});
  m.memory.note();
  m.memory.remove_bulk(Component::workspace);
}

/// What is left of matrices when their rows are averaged; of several stacked in one tensor, each has its own.
Shape without_rows(Shape shape) {
  shape[-2] = 1;
  return shape;
}

/// The second moment as a whole matrix, with this step's rows, columns and their mean.
/// Source: [pytorch-optim] torch/optim/_adafactor.py _single_tensor_adafactor
void factored(Machine& m, std::span<const Parameter> parameters) {
  const Turn turn = worst_turn(parameters, 1, any);
  const Parameter* p = turn.at;
  if (!p) return;
  Value before;
  if (turn.before) before = temporary(m, *turn.before, turn.before->format);
  const Value rows = m.allocate(p->shape.with_last(1), p->format, "row means", Component::workspace);
  const Value columns = m.allocate(without_rows(p->shape), p->format, "column means", Component::workspace);
  const Value estimate = m.allocate(p->shape, p->format, "second moment", Component::workspace);
  const Value mean = m.allocate({1}, p->format, "mean of rows", Component::workspace);
}

/// SOAP's turn of a matrix: the projected gradient, the root, the update and the momentum before it was turned back, and
/// the gradient's product with itself over either side. New axes, every tenth step, are not counted.
/// Source: [soap] soap.py step, update_preconditioner
void two_sided(Machine& m, std::span<const Parameter> parameters) {
  const auto squares = [](const Parameter& p, auto&& each) {
    for (int i = 0; i < 2 && p.shape.rank == 2; ++i)
      if (p.shape[i] <= longest_side) each(p.shape[i]);
  };
  const Parameter* found = nullptr;
  double most = -1;
  for (const Parameter& p : parameters) {
    if (!p.trainable) continue;
    double numbers = 4 * in(elements, p.shape.count());
    squares(p, [&](double side) { numbers += side * side; });
    if (numbers > most) most = numbers, found = &p;
  }
  if (!found) return m.memory.note();
  std::vector<Value> held;
  for (int i = 0; i < 4; ++i) held.push_back(temporary(m, *found, found->format));
  squares(*found, [&](double side) { held.push_back(m.allocate({side, side}, found->format, "product with itself", Component::workspace)); });
  while (!held.empty()) held.pop_back();
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

void add_optimizer_states(Machine& m, const catalog::OptimizerRow& o, std::string_view step, std::span<const Parameter> parameters, const Format* format) {
  bool first = true;
  for (const Parameter& p : parameters) {
    if (!p.trainable) continue;
    const bool alone = o.matrices == "hidden" && is_hidden(p);
    if (whole_engine && o.matrices == "factored" && is_matrix(p)) {
      add_state(m, p, p.shape.with_last(1), 1, find_format(o.state_format));
      add_state(m, p, without_rows(p.shape), 1, find_format(o.state_format));
    } else if (whole_engine && o.block_elements > 0) {
      add_quantised(m, p, o, first);
      first = first && in(elements, p.shape.count()) < o.smallest;
    } else if (whole_engine && !alone && !add_for_matrix(m, p, o)) {
      continue;
    } else if (alone || o.states_per_parameter > 0) {
      const Format* usual = whole_engine && !format ? find_format(o.state_format) : format;
      if (whole_engine && is_managed(p, o)) m.managed += stored_bytes(p.shape.count(), usual ? *usual : *p.format) * (o.states_per_parameter * p.copies);
      else add_state(m, p, p.shape, alone ? 1 : o.states_per_parameter, usual);
    }
    if (o.step_counter && step == "fused" && !alone)
      m.memory.add_bulk({Component::optimizer_states, p.layer, p.scope, "step", {1}, fp32, p.copies});
  }
}

void step_temporaries(Machine& m, const catalog::OptimizerRow& o, std::string_view step,
                      std::span<const Parameter> parameters) {
  const std::string_view kind = temporaries_of(o, step);
  if (whole_engine && o.matrices == "two-sided") return two_sided(m, parameters);
  if (whole_engine && kind == "all-trainable" && o.matrices == "factored") return factored_together(m, parameters);
  if (kind == "all-trainable") return all_trainable(m, parameters, 1, any);
  if (kind == "all-trainable-twice") return all_trainable(m, parameters, 2, any);
  if (kind == "largest") return loop(m, parameters, 1, any);
  if (kind == "largest-twice") return loop(m, parameters, 2, any);
  if (whole_engine && kind == "two-largest") return two_largest(m, o, parameters);
  if (whole_engine && kind == "wide-update") return wide_update(m, parameters);
  if (whole_engine && kind == "root-of-a-side") return root_of_a_side(m, parameters);
  if (whole_engine && kind == "factored") return factored(m, parameters);
  if (whole_engine && kind == "newton-schulz") {   // AdamW takes the rest
    newton_schulz(m, parameters);
    if (step == "foreach") all_trainable(m, parameters, 1, is_not_hidden);
    if (step == "loop") loop(m, parameters, 2, is_not_hidden);
    return;
  }
  m.memory.note();
}

}  // namespace gpumem
