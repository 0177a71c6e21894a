// The gated delta rule: heads carry a matrix [key_dim, value_dim] each, which fades and is corrected by what it predicted wrong.
// Source: [transformers] models/qwen3_next/modeling_qwen3_next.py Qwen3NextGatedDeltaNet, models/qwen3_5/modeling_qwen3_5.py
// Qwen3_5GatedDeltaNet: the path without kernels of its own.

#include <algorithm>
#include <cmath>

#include "layers/dense.hpp"
#include "layers/mixers.hpp"

namespace gpumem {
namespace {

struct Operands {
  Value query, key, value, rate, decay;
};

/// Sequences, heads of values, tokens, columns of a key, columns of a value.
struct Sizes {
  double b, h, s, k, v;
};

/// A view if its parts lie side by side already, else a copy.
Value side_by_side(Machine& m, const Value& x, const Shape& shape, bool already, const char* label) {
  return m.view(already ? x : m.copy(x, label, Layout::token_major), shape);
}

/// Source: [transformers] models/qwen3_next/modeling_qwen3_next.py l2norm
Value unit(Machine& m, const Value& x) {
  const Value inverse = m.rsqrt(m.add_number(m.sum_last(m.multiply(x, x))));
  return m.multiply(x, inverse);
}

/// In fp32, keys and queries repeated for the values' heads and normalised.
Operands prepared(Machine& m, const Operands& given, const Sizes& z, bool repeated) {
  const Shape keys = {z.b, z.h, z.s, z.k}, values = {z.b, z.h, z.s, z.v}, flat = {z.b, z.h, z.s};
  Operands p;
  {
    const Value query = repeated ? m.pad(given.query, keys, "repeated for heads") : given.query;
    const Value key = repeated ? m.pad(given.key, keys, "repeated for heads") : given.key;
    p.query = m.cast(m.view(query, keys), fp32);
    p.key = m.cast(m.view(key, keys), fp32);
    p.value = m.cast(m.view(given.value, values), fp32);
    p.rate = m.cast(m.view(given.rate, flat), fp32);
    p.decay = m.view(given.decay, flat);
  }
  p.query = unit(m, p.query);
  p.key = unit(m, p.key);
  p.query = m.scale(p.query, "query, scaled");
  return p;
}

struct Made {
  Value output, state;
};

/// [b, h, ...] as rows of heads in the format that was given; one in fp32 is only looked at in another order.
Value token_major(Machine& m, const Value& x, const Sizes& z, const Format* format) { return m.cast(m.view(x, {z.b, z.s, z.h, z.v}), format); }

/// Flags of the tokens behind each one.
Value triangle(Machine& m, double side) {
  const Value ones = m.allocate({side, side}, byte_flag, "ones");
  return m.allocate({side, side}, byte_flag, "triangle");
}

/// How much each token of a chunk has faded when another one is read.
/// Source: [transformers] models/qwen3_next/modeling_qwen3_next.py torch_chunk_gated_delta_rule
Value decays_between(Machine& m, const Value& sums, const Shape& square, const Value& later) {
  Value decays = m.subtract(m.view(sums, square.with_last(1)), m.view(sums, {square[0], square[1], square[2], 1, square[-1]}));
  decays = m.mask_out(decays, later);
  return m.exp(decays);
}

/// Tokens of zeros fill the last chunk; all are copied even where none is missing.
void fill_chunks(Machine& m, Operands& p, const Sizes& z, double chunks, double c) {
  const Shape keys = {z.b, z.h, chunks * c, z.k}, values = {z.b, z.h, chunks * c, z.v};
  Value query = m.pad(p.query, keys, "query, padded"), key = m.pad(p.key, keys, "key, padded"), value = m.pad(p.value, values, "value, padded");
  p.query = std::move(query), p.key = std::move(key), p.value = std::move(value);
  Value rate = m.pad(p.rate, {z.b, z.h, chunks * c, 1}, "rate, padded"), decay = m.pad(p.decay, {z.b, z.h, chunks, c}, "decay, padded");
  p.rate = std::move(rate), p.decay = std::move(decay);
}

/// Chunk after chunk reads the state and corrects it. Where nothing is kept for backward, every chunk but the first finds the
/// same in memory, so two stand for all.
/// Source: [transformers] models/qwen3_next/modeling_qwen3_next.py torch_chunk_gated_delta_rule
Made chunked(Machine& m, const MixerLayer& l, const Operands& given, const Sizes& z, const Value& carried) {
  Operands p = prepared(m, given, z, l.heads != l.groups);
  const double c = l.chunk, chunks = std::ceil(z.s / c);
  fill_chunks(m, p, z, chunks, c);
  const Shape values = {z.b, z.h, chunks, c, z.v}, keys = {z.b, z.h, chunks, c, z.k}, square = {z.b, z.h, chunks, c, c};
  const Shape rows = {z.b, z.h, chunks, c, 1}, value_rows = {z.b, z.h, c, z.v}, key_rows = {z.b, z.h, c, z.k}, square_rows = {z.b, z.h, c, c},
              matrix = {z.b, z.h, z.k, z.v};
  const Value rated_value = m.view(m.multiply(p.value, p.rate), values), rated_key = m.view(m.multiply(p.key, p.rate), keys);
  p.query = m.view(p.query, keys), p.key = m.view(p.key, keys);
  const Value later = triangle(m, c);
  const Value sums = m.cumulate(p.decay);
  const Value decays = decays_between(m, sums, square, later);
  // What is in fp32 already is looked at in the order in which it came, unless zeros were added: an operand of a product whose
  // outer extents do not lie side by side is copied.
  const bool as_it_came = given.query->format == fp32 && z.s == chunks * c, repeated = l.heads != l.groups;
  const bool split_heads = as_it_came && repeated && z.b > 1, copied = as_it_came && (chunks > 1 || split_heads);
  const auto operand = [&](const Value& x, bool copy) { return copy ? m.copy(x, "operand, contiguous", Layout::head_major) : x; };
  const auto product = [&](const Value& a, const Value& b, const char* label) {
    const Value left = operand(a, copied), right = operand(b, copied);
    return m.contract(left, right, square, label);
  };
  const Value system = m.multiply(product(rated_key, p.key, "keys by keys"), decays);
  const Value within = m.multiply(product(p.query, p.key, "queries by keys"), decays);
  const Value faded_key = m.multiply(rated_key, m.view(m.exp(sums), rows));
  const Value solved_value = m.solve(system, rated_value, "new values");
  const Value solved_key = m.solve(system, faded_key, "keys that read the state");
  Value state = carried ? carried : m.allocate(matrix, fp32, "no state");
  Value output = m.allocate(values, fp32, "output");
  p.query = m.multiply(p.query, m.view(m.exp(sums), rows));
  p.key = m.multiply(p.key, m.view(m.exp(m.subtract(m.pick(sums, {z.b, z.h, chunks, 1}), sums)), rows));
  const Value chunk_decay = m.exp(m.pick(sums, {z.b, z.h, chunks, 1, 1}));
  Value written, read;
  for (double i = 0, last = std::min(chunks, m.recording ? most_chunks : 2.0); i < last; ++i) {
    written = m.subtract(m.pick(solved_value, value_rows), m.contract(m.pick(solved_key, key_rows), state, value_rows, "values that the state predicts"));
    read = m.contract(operand(m.pick(p.query, key_rows), split_heads), state, value_rows, "read from the state");
    output = m.write_part(output, m.add(read, m.contract(m.pick(within, square_rows), written, value_rows, "read within the chunk")));
    // What the last chunk leaves nobody asks for in training: its part of the graph is gone with it.
    const bool unused = m.recording && i + 1 == last;
    if (unused) m.recording = false;
    Value faded = m.multiply(state, m.pick(chunk_decay, {z.b, z.h, 1, 1}));
    state = m.add(std::move(faded), m.contract(operand(m.pick(p.key, key_rows), split_heads), written, matrix, "written to the state"));
    if (unused) m.recording = true, state.drop();
  }
  if (m.recording) {   // states and, where autocast keeps no copies of its operands instead, values
    output = with_further_chunks(m, std::move(output), chunks - most_chunks, z.b * z.h * ((m.autocast ? 0 : c * z.v) + z.k * z.v), fp32);
    const double lowered = z.b * z.h * (3 * c * z.k + 2 * z.k * z.v + c * c + 2 * c * z.v);
    if (m.autocast) output = with_further_chunks(m, std::move(output), chunks - most_chunks, lowered, m.autocast);
  }
  // The solver leaves its columns side by side, and so the output: chunks have to be copied to follow each other.
  if (chunks > 1) output = m.copy(output, "output, contiguous", Layout::head_major);
  const Shape tokens_of_heads = {z.b, z.h, z.s, z.v};
  output = chunks * c == z.s ? m.view(output, tokens_of_heads) : m.pick(output, tokens_of_heads);
  return {token_major(m, output, z, given.query->format), std::move(state)};
}

/// One token.
/// Source: [transformers] models/qwen3_next/modeling_qwen3_next.py torch_recurrent_gated_delta_rule
Made step(Machine& m, const MixerLayer& l, const Operands& given, const Sizes& z, const Value& carried) {
  const Operands p = prepared(m, given, z, l.heads != l.groups);
  const Shape row = {z.b, z.h, z.v};
  const Value output = m.allocate({z.b, z.h, 1, z.v}, fp32, "output");
  const Value decay = m.exp(m.view(p.decay, {z.b, z.h, 1, 1}));
  const Value key = m.view(p.key, {z.b, z.h, z.k, 1}), query = m.view(p.query, {z.b, z.h, z.k, 1});
  const auto summed = [&](const Value& x, const Value& by, const char* label) {
    const Value products = m.multiply(x, by);
    return m.allocate(row, fp32, label);
  };
  Value state = m.multiply(carried, decay);
  const Value predicted = summed(state, key, "predicted");
  const Value error = m.multiply(m.subtract(m.view(p.value, row), predicted), m.view(p.rate, {z.b, z.h, 1}));
  state = m.add(state, m.multiply(key, m.view(error, {z.b, z.h, 1, z.v})));
  summed(state, query, "read").drop();
  return {token_major(m, output, z, given.query->format), std::move(state)};
}

/// Each head by itself, then times the gate.
/// Source: [transformers] models/qwen3_next/modeling_qwen3_next.py Qwen3NextRMSNormGated.forward
Value gated_norm(Machine& m, const Value& x, const Value& gate) {
  const Machine::Scope scope(m, "norm");
  const Value weight = m.parameter("weight", {x->shape[-1]});
  Value hidden = m.cast(x, fp32);
  const Value variance = m.mean_last(m.power(hidden, "x^2"));
  hidden = m.multiply(hidden, m.rsqrt(m.add_number(variance)));
  hidden = m.multiply(weight, m.cast(hidden, x->format));
  hidden = m.multiply(hidden, m.silu(m.cast(gate, fp32)));
  return m.cast(hidden, x->format);
}

/// Three parts side by side; their gradients are views of the whole's.
Value glued(Machine& m, const Value& a, const Value& b, const Value& c, const Shape& shape) {
  Node* node = m.record([](Machine& on, Node& n, Gradients& g) {
    for (std::size_t i = 0; i < 3; ++i)
      if (n.wants(static_cast<int>(i))) g.made[i] = on.view(g.given[0], n.input[i].shape);
  }, {&a, &b, &c});
  Value out = m.allocate(shape, a->format, "query, key and value");
  return m.bind(node, out);
}

/// What the layer's input is projected to.
struct Projected {
  Value mixed, gate, rate, time;   ///< mixed: queries, keys and values [b, channels, s], before the convolution
  Value query, key, value;         ///< copies that are held as long
  Value joint, rates;              ///< what the parts are views or copies of
};

/// Two projections, both grouped by heads of keys; a part is in one piece only where there is one such head.
/// Source: [transformers] models/qwen3_next/modeling_qwen3_next.py Qwen3NextGatedDeltaNet.fix_query_key_value_ordering
Projected grouped(Machine& m, const MixerLayer& l, const Value& x, double keys, double channels) {
  const double b = x->shape[0], s = x->shape[1];
  Projected p;
  p.joint = dense(m, "in_proj_qkvz", x, 2 * keys + 2 * l.width, false);
  p.rates = dense(m, "in_proj_ba", x, 2 * l.heads, false);
  const bool one = l.groups == 1, alone = one || l.heads == l.groups;
  const auto parts = m.split(p.joint, {keys, keys, l.width, l.width}), both = m.split(p.rates, {l.heads, l.heads});
  const auto part = [&](const Value& of, bool whole, const char* label) { return side_by_side(m, of, of->shape, whole, label); };
  p.value = part(parts[2], alone, "value");
  p.gate = part(parts[3], alone, "gate");
  p.rate = part(both[0], alone, "rate"), p.time = part(both[1], alone, "time step");
  p.query = part(parts[0], one, "query"), p.key = part(parts[1], one, "key");
  if (alone && !one) p.value = m.copy(p.value, "value", Layout::token_major);
  p.mixed = glued(m, p.query, p.key, p.value, {b, channels, s});
  return p;
}

/// Source: [transformers] models/qwen3_5/modeling_qwen3_5.py Qwen3_5GatedDeltaNet.forward
Projected apart(Machine& m, const MixerLayer& l, const Value& x, double channels) {
  Projected p;
  p.mixed = m.view(dense(m, "in_proj_qkv", x, channels, false), {x->shape[0], channels, x->shape[1]});
  p.gate = dense(m, "in_proj_z", x, l.width, false);
  p.rate = dense(m, "in_proj_b", x, l.heads, false);
  p.time = dense(m, "in_proj_a", x, l.heads, false);
  return p;
}

}  // namespace

Value gated_delta(Machine& m, const MixerLayer& l, const Value& x, const Pass& pass) {
  const double b = x->shape[0], s = x->shape[1], keys = l.groups * l.state, channels = 2 * keys + l.width, v = l.width / l.heads;
  const Sizes z = {b, l.heads, s, l.state, v};
  const Convolution convolution = convolution_of(m, "conv1d", l, channels, false);
  Projected p = l.parts_apart ? apart(m, l, x, channels) : grouped(m, l, x, keys, channels);
  const Value time_bias = m.parameter("dt_bias", {l.heads}), log_decay = m.parameter("A_log", {l.heads});
  const Value mixed = m.view(causal_convolution(m, pass, convolution, std::move(p.mixed), true), {b, s, channels});
  const auto parts = m.split(mixed, {keys, keys, l.width});
  p.query.drop(), p.key.drop(), p.value.drop();
  const Value rate = m.sigmoid(p.rate);
  Value decay;
  {
    const Value fading = m.negate(m.exp(m.cast(log_decay, fp32)));
    decay = m.multiply(fading, m.softplus(m.add(m.cast(p.time, fp32), time_bias)));
  }
  const Value carried = pass.cache ? pass.cache->states(m.layer()).scan : Value();
  const Operands given = {parts[0], parts[1], parts[2], rate, decay};
  const Made made = continues(pass) ? step(m, l, given, z, carried) : chunked(m, l, given, z, carried);
  carry(m, pass, {b, l.heads, l.state, v}, fp32);
  Value out = side_by_side(m, made.output, {b, s * l.heads, v}, x->format != fp32 || s == 1, "output, contiguous");
  out = m.view(gated_norm(m, out, m.view(p.gate, {b, s * l.heads, v})), {b, s, l.width});
  return dense(m, "out_proj", out, x->shape[-1], false, false, Adaptation::Names::its_own);
}

}  // namespace gpumem
