// Fused attention kernels: no tensor has an extent for both queries and keys.
// Source: [pytorch-derivatives] _scaled_dot_product_flash_attention, _scaled_dot_product_efficient_attention

#include <cmath>

#include "machine/machine.hpp"
#include "machine/parts.hpp"

namespace gpumem {
namespace {

void attention_backward(Machine& m, Node& n, Gradients& g) {
  for (int i = 0; i < 3; ++i)
    if (n.wants(i)) g.made[static_cast<std::size_t>(i)] = m.gradient_like(n, i, "gradient of attention");
}

/// The gradient of a bias comes with it, for every sequence and head, its rows padded to 16 columns.
/// Source: [pytorch] aten/src/ATen/native/transformers/cuda/attention_backward.cu _efficient_attention_backward
void biased_attention_backward(Machine& m, Node& n, Gradients& g) {
  attention_backward(m, n, g);
  if (!n.wants(3)) return;
  const Shape& q = n.input[0].shape;
  const Shape scores = {q[0], q[1], q[2], n.input[1].shape[2]};
  const Value padded = m.allocate(scores.with_last(std::ceil(scores[3] / 16) * 16), n.input[3].format, "gradient of a bias");
  g.made[3] = m.view(padded, scores);
}

}  // namespace

/// q [b, a, s, d], k and v [b, k, t, d]. Saves q, k, v, its output, the log-sum-exp of each row (fp32) and two
/// states of the random number generator.
Value Machine::flash_attention(Value query, Value key, Value value, Layout layout) {
  const Value q = std::move(query), k = std::move(key), v = std::move(value);
  Node* node = record(attention_backward, {&q, &k, &v});
  save(node, q);
  save(node, k);
  save(node, v);
  Value out = costly(q->shape.with_last(v->shape[-1]), q->format, "attention output");
  out->layout = layout;
  const Value sums = costly({q->shape[0], q->shape[1], q->shape[2]}, fp32, "log-sum-exp");
  save(node, out);
  save(node, sums);
  if (node) {
    save(node, costly({2}, int64, "random state"));
    save(node, costly({1}, int64, "random offset"));
  }
  return bind(node, out);
}

/// The memory-efficient kernel: as above, for any format, an additive bias, equal head counts; its output is
/// token-major, its sums are padded to 32 rows.
Value Machine::efficient_attention(Value query, Value key, Value value, Value bias) {
  const Value q = std::move(query), k = std::move(key), v = std::move(value), added = std::move(bias);
  Node* node = record(whole_engine ? biased_attention_backward : attention_backward, {&q, &k, &v, &added});
  save(node, q);
  save(node, k);
  save(node, v);
  if (added) save(node, added);
  Value out = costly(q->shape.with_last(v->shape[-1]), q->format, "attention output");
  out->layout = Layout::token_major;
  save(node, out);
  if (node) {
    const double rows = std::ceil(q->shape[2] / 32) * 32;
    save(node, costly({q->shape[0], q->shape[1], rows}, fp32, "log-sum-exp"));
    save(node, costly({1}, int64, "random state"));
    save(node, costly({1}, int64, "random offset"));
  }
  return bind(node, out);
}

}  // namespace gpumem
