// Lightning attention: heads carry a matrix [d, d] each that fades by a rate of its own; blocks of tokens attend among
// themselves, and to all before them through that matrix.
// Source: [transformers] models/minimax/modeling_minimax.py MiniMaxLightningAttention

#include <algorithm>
#include <cmath>

#include "layers/dense.hpp"
#include "layers/glue.hpp"
#include "layers/mixers.hpp"
#include "layers/norms.hpp"

namespace gpumem {
namespace {

struct Heads {
  Value query, key, value;
};

/// Sequences, heads, tokens, columns of a head.
struct Sizes {
  double b, h, s, d;
};

/// Numbers that the model keeps for every layer: they lie in memory already.
Value kept(Machine& m, const Shape& shape) { return m.memory.describe(shape, m.weight_format); }

/// Sequences and heads become one extent: a copy, unless there is one sequence, or one token.
Value batched(Machine& m, const Sizes& z, const Value& x) {
  return z.b > 1 && z.s > 1 ? m.copy(m.lower(x), "operand, contiguous", Layout::head_major) : x;
}

Value product(Machine& m, const Sizes& z, const Value& a, const Value& b, const Shape& shape, const char* label) {
  const Value left = batched(m, z, a), right = batched(m, z, b);
  return m.contract(left, right, shape, label);
}

/// What the last block of a loop leaves in its variables until the layer's mixer returns.
struct Left {
  Value scores, within, before, output, written;
};

Value blocks(Machine& m, const MixerLayer& l, const Heads& p, const Sizes& z, Value& state, Left& left) {
  const double count = std::ceil(z.s / l.chunk), run = std::min(count, m.recording ? most_chunks : 3.0);
  std::vector<Value> outputs;
  state = m.allocate({z.b, z.h, z.d, z.d}, p.value->format, "no state");
  for (double i = 0; i < run; ++i) {
    const double c = std::min(l.chunk, z.s - i * l.chunk);
    const Shape rows = {z.b, z.h, c, z.d}, square = {z.b, z.h, c, c}, matrix = {z.b, z.h, z.d, z.d};
    const auto part = [&](const Value& x) { return c == z.s ? m.view(x, rows) : m.pick(x, rows); };
    const Value q = part(p.query), k = part(p.key), v = part(p.value);
    const Value fading = m.allocate({z.h, 1, 1}, m.weight_format, "decay of a block");
    left.scores = product(m, z, q, k, square, "scores");
    left.within = [&] {
      const Value faded = m.multiply(left.scores, kept(m, {z.h, c, c}));
      const Value right = batched(m, z, v);
      return m.contract(faded, right, rows, "output within the block");
    }();
    left.before = [&] {
      const Value faded = batched(m, z, m.multiply(q, kept(m, {z.h, c, 1})));
      return m.contract(faded, state, rows, "output from the state");
    }();
    left.output = m.add(left.before, left.within);
    outputs.push_back(left.output);
    // Nobody asks for what the last block leaves in training: its part of the graph goes with the layer.
    const bool unused = m.recording && i + 1 == run;
    if (unused) m.recording = false;
    left.written = product(m, z, m.multiply(k, kept(m, {z.h, c, 1})), v, matrix, "written to the state");
    Value faded = m.multiply(state, fading);
    state = m.add(std::move(faded), left.written);
    if (unused) m.recording = true;
  }
  const Value further = count > run ? m.allocate({count - run, z.b * z.h * l.chunk * z.d}, left.output->format, "outputs of blocks") : Value();
  Value out = glue(m, outputs, {z.b, z.h, z.s, z.d}, "output");
  const double each = z.b * z.h * (l.chunk * l.chunk + z.d * z.d + 2 * l.chunk * z.d);   // faded scores, states, faded queries and keys
  return m.recording ? with_further_chunks(m, std::move(out), count - run, each, left.output->format) : out;
}

/// Token by token, as soon as there is a state: outputs wait until all are stacked.
Value tokens_by_one(Machine& m, const Heads& p, const Sizes& z, Value& state, Left& left) {
  const Shape matrix = {z.b, z.h, z.d, z.d}, row = {z.b, z.h, 1, z.d};
  const Value ratio = m.allocate({z.h, 1, 1}, m.weight_format, "decay");
  const Value earlier = z.s > 1 ? m.allocate({z.s - 1, z.b * z.h * z.d}, p.query->format, "outputs of tokens") : Value();
  for (double i = 0; i < std::min(z.s, 2.0); ++i) {
    left.written = m.contract(p.key, p.value, matrix, "written to the state");
    Value faded = m.multiply(state, ratio);
    state = m.add(std::move(faded), left.written);
    left.output = m.contract(p.query, state, row, "output of a token");
  }
  return m.allocate({z.b, z.h, z.s, z.d}, left.output->format, "output");
}

}  // namespace

Value lightning(Machine& m, const MixerLayer& l, const Value& x, const Pass& pass, Value& state) {
  const Machine::Scope scope(m, "self_attn");
  const Sizes z = {x->shape[0], l.heads, x->shape[1], l.width / l.heads};
  Value joint = m.silu(dense(m, "qkv_proj", x, 3 * l.width, false));
  joint = m.view(joint, {z.b, z.s, z.h, 3 * z.d});
  const auto parts = m.split(joint, {z.d, z.d, z.d});
  const Shape by_head = {z.b, z.h, z.s, z.d};
  const Heads p = {m.view(parts[0], by_head), m.view(parts[1], by_head), m.view(parts[2], by_head)};
  Left left;
  state = pass.cache ? pass.cache->states(m.layer()).scan : Value();
  Value out = state ? tokens_by_one(m, p, z, state, left) : blocks(m, l, p, z, state, left);
  if (z.s > 1) out = m.copy(out, "heads side by side", Layout::token_major);
  out = normalise(m, "norm", NormKind::rms, m.view(out, {z.b, z.s, l.width}));
  out = m.multiply(m.sigmoid(dense(m, "output_gate", x, l.width, false)), out);
  out = dense(m, "out_proj", out, x->shape[-1], false, false, Adaptation::Names::its_own);
  if (pass.cache) {
    m.memory.relabel(state, Component::recurrent_state);
    pass.cache->states(m.layer()).scan = state;
  }
  return out;
}

/// Slopes and the decays made of them, by token of a block and between any two.
/// Source: [transformers] models/minimax/modeling_minimax.py MiniMaxLightningAttention.__init__
std::vector<Value> lightning_buffers(Machine& m, const MixerLayer& l) {
  const auto held = [&](const Shape& shape) { return m.allocate(shape, m.weight_format, "decays", Component::workspace); };
  return {held({l.heads, 1, 1}), held({l.heads, l.chunk, 1}), held({l.heads, l.chunk, 1}), held({l.heads, l.chunk, l.chunk})};
}

}  // namespace gpumem
