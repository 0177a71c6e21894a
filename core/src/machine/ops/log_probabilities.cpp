// Log-probabilities of given tokens without logits of all rows.
// Source: [trl] kernels/chunked_logprob.py ChunkedLogProbFunction

#include "machine/machine.hpp"

namespace gpumem {
namespace {

constexpr double tile_rows = 4096, tile_columns = 32768;

/// What one tile is computed in: its logits, and rows and weights where they have to be lowered for it. A backward holds
/// the last tile's weights until it has the next one's, and so do both directions the rows.
struct Tile {
  Value logits, rows, next_rows, weight, next_weight;
};

Tile make_tile(Machine& m, const Shape& x, const Format* given, const Shape& weight, const Format* stored, const Format* computed, bool backward) {
  Tile t;
  const double rows = std::min(x[0], tile_rows);
  t.logits = m.allocate({rows, tile_columns}, computed, "tile of logits", Component::logits);
  if (given != computed) t.rows = m.allocate({rows, x[1]}, computed, "rows of a tile", Component::logits);
  if (stored != computed) t.weight = m.allocate({std::min(weight[0], tile_columns), weight[1]}, computed, "weight of a tile", Component::logits);
  const double more_rows = std::min(x[0] - rows, tile_rows), more = std::min(weight[0] - tile_columns, tile_columns);
  if (t.rows && more_rows > 0) t.next_rows = m.allocate({more_rows, x[1]}, computed, "rows of a tile", Component::logits);
  if (t.weight && more > 0 && backward) t.next_weight = m.allocate({more, weight[1]}, computed, "weight of a tile", Component::logits);
  t.next_rows.drop();
  t.next_weight.drop();
  return t;
}

/// Gradients are summed in fp32 and cast when all tiles are done.
void tiles_backward(Machine& m, Node& n, Gradients& g) {
  const Meta &x = n.input[0], &weight = n.input[1];
  const bool wide_rows = x.format != fp32, wide_weight = weight.format != fp32;
  Value rows_sum, weight_sum;
  if (n.wants(0)) rows_sum = m.allocate(x.shape, fp32, "gradient of rows, summed", Component::logits);
  if (n.wants(1)) weight_sum = wide_weight ? m.allocate(weight.shape, fp32, "weight gradient, summed", Component::workspace) : m.gradient_like(n, 1, "weight gradient");
  const Tile tile = make_tile(m, x.shape, x.format, weight.shape, weight.format, n.output[2].format, true);
  if (n.wants(0)) g.made[0] = wide_rows ? m.gradient_like(n, 0, "input gradient") : rows_sum;
  if (n.wants(1)) g.made[1] = wide_weight ? m.gradient_like(n, 1, "weight gradient") : weight_sum;
}

void rows_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient of chosen rows"); }

}  // namespace

Value Machine::chosen_rows(Value x, Value mask, double rows) {
  const Value from = std::move(x), where = std::move(mask);
  Node* node = record(rows_backward, {&from});
  save(node, where);
  const Value places = allocate({rows, where->shape.rank * 1.0}, int64, "places of chosen rows");
  Value out = allocate({rows, from->shape[-1]}, from->format, "chosen rows");
  return bind(node, out);
}

Value Machine::spread_rows(Value x, Value mask) {
  const Value from = std::move(x), where = std::move(mask);
  Node* node = record(rows_backward, {&from});
  save(node, where);
  const Value zeros = allocate(where->shape, from->format, "zeros");
  Value out = allocate(where->shape, from->format, "numbers by place");
  return bind(node, out);
}

Value Machine::log_probabilities(Value x, Value weight, Value targets, bool told) {
  const Value from = std::move(x), w = std::move(weight), labels = std::move(targets);
  const Format* computed = autocast ? autocast : from->format;
  Node* node = record(tiles_backward, {&from, &w});
  const double rows = from->shape[0];
  std::vector<Value> sums;
  for (int i = 0; i < 7; ++i) sums.push_back(allocate({rows}, fp32, "running sums"));
  make_tile(*this, from->shape, from->format, w->shape, w->format, computed, false);
  const Value total = allocate({rows}, fp32, "log-sum-exp");
  Value out = allocate({rows}, fp32, "log-probabilities");
  Value entropy = told ? allocate({rows}, fp32, "entropy") : total;
  save(node, from);
  save(node, w);
  save(node, labels);
  save(node, total);
  save(node, entropy);
  if (node) node->output[2].format = computed;
  return bind(node, out);
}

}  // namespace gpumem
