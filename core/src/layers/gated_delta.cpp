// The gated delta rule: heads carry a matrix [key_dim, value_dim] each, which fades and is corrected by what it predicted wrong.
// Source: [transformers] models/qwen3_next/modeling_qwen3_next.py Qwen3NextGatedDeltaNet: the path without kernels of its own.
// Inference only: what a chunk writes in place is not told to the tape.

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
  const Value inverse = m.rsqrt(m.add_number(m.sum_last(m.power(x, "x^2"))));
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

/// Chunk after chunk reads the state and corrects it. Every chunk but the first finds the same in memory, so two stand for all.
/// Source: [transformers] models/qwen3_next/modeling_qwen3_next.py torch_chunk_gated_delta_rule
Made chunked(Machine& m, const MixerLayer& l, const Operands& given, const Sizes& z, const Value& carried) {
  Operands p = prepared(m, given, z, l.heads != l.groups);
  const double c = l.chunk, chunks = std::ceil(z.s / c);
  fill_chunks(m, p, z, chunks, c);
  const Shape values = {z.b, z.h, chunks, c, z.v}, keys = {z.b, z.h, chunks, c, z.k}, square = {z.b, z.h, chunks, c, c};
  const Shape rows = {z.b, z.h, chunks, c, 1}, value_rows = {z.b, z.h, c, z.v}, matrix = {z.b, z.h, z.k, z.v};
  const Value rated_value = m.view(m.multiply(p.value, p.rate), values), rated_key = m.view(m.multiply(p.key, p.rate), keys);
  p.query = m.view(p.query, keys), p.key = m.view(p.key, keys);
  const Value later = triangle(m, c);
  const Value sums = m.cumulate(p.decay);
  const Value decays = decays_between(m, sums, square, later);
  const Value system = m.multiply(m.contract(rated_key, p.key, square, "keys by keys"), decays);
  const Value within = m.multiply(m.contract(p.query, p.key, square, "queries by keys"), decays);
  const Value faded_key = m.multiply(rated_key, m.view(m.exp(sums), rows));
  const Value solved_value = m.contract(system, rated_value, values, "new values");
  const Value solved_key = m.contract(system, faded_key, keys, "keys that read the state");
  Value state = carried ? carried : m.allocate(matrix, fp32, "no state");
  Value output = m.allocate(values, fp32, "output");
  p.query = m.multiply(p.query, m.view(m.exp(sums), rows));
  p.key = m.multiply(p.key, m.view(m.exp(m.subtract(m.pick(sums, {z.b, z.h, chunks, 1}), sums)), rows));
  const Value chunk_decay = m.exp(m.pick(sums, {z.b, z.h, chunks, 1, 1}));
  Value written, read;
  for (double i = 0; i < std::min(chunks, 2.0); ++i) {
    written = m.subtract(m.pick(solved_value, value_rows), m.contract(solved_key, state, value_rows, "values that the state predicts"));
    read = m.contract(p.query, state, value_rows, "read from the state");
    m.add(read, m.contract(within, written, value_rows, "read within the chunk")).drop();
    Value faded = m.multiply(state, m.pick(chunk_decay, {z.b, z.h, 1, 1}));
    state = m.add(std::move(faded), m.contract(p.key, written, matrix, "written to the state"));
  }
  // The solver leaves its columns side by side, and so the output: chunks have to be copied to follow each other.
  if (chunks > 1) output = m.copy(output, "output, contiguous", Layout::head_major);
  return {token_major(m, m.pick(output, {z.b, z.h, z.s, z.v}), z, given.query->format), std::move(state)};
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

}  // namespace

Value gated_delta(Machine& m, const MixerLayer& l, const Value& x, const Pass& pass) {
  const double b = x->shape[0], s = x->shape[1], keys = l.groups * l.state, channels = 2 * keys + l.width, v = l.width / l.heads;
  const Sizes z = {b, l.heads, s, l.state, v};
  const Convolution convolution = convolution_of(m, "conv1d", l, channels, false);
  const Value projected = dense(m, "in_proj_qkvz", x, 2 * keys + 2 * l.width, false);
  const Value rates = dense(m, "in_proj_ba", x, 2 * l.heads, false);
  const Value time_bias = m.parameter("dt_bias", {l.heads}), log_decay = m.parameter("A_log", {l.heads});
  // Both are grouped by heads of keys; a part is in one piece only where there is one such head.
  const bool one = l.groups == 1, alone = one || l.heads == l.groups;
  const auto part = [&](const Value& of, double width, bool whole, const char* label) {
    return side_by_side(m, m.pick(of, {b, s, width}), {b, s, width}, whole, label);
  };
  Value value = part(projected, l.width, alone, "value");
  const Value gate = part(projected, l.width, alone, "gate");
  const Value rate_in = part(rates, l.heads, alone, "rate"), time = part(rates, l.heads, alone, "time step");
  Value query = part(projected, keys, one, "query"), key = part(projected, keys, one, "key");
  if (alone && !one) value = m.copy(value, "value", Layout::token_major);
  Value mixed = m.allocate({b, channels, s}, x->format, "query, key and value");
  mixed = causal_convolution(m, pass, convolution, std::move(mixed), true);
  query = m.pick(mixed, {b, s, keys}), key = m.pick(mixed, {b, s, keys}), value = m.pick(mixed, {b, s, l.width});
  const Value rate = m.sigmoid(rate_in);
  Value decay;
  {
    const Value fading = m.negate(m.exp(m.cast(log_decay, fp32)));
    decay = m.multiply(fading, m.softplus(m.add(m.cast(time, fp32), time_bias)));
  }
  const Value carried = pass.cache ? pass.cache->states(m.layer()).scan : Value();
  const Operands given = {m.view(query, {b, s, keys}), m.view(key, {b, s, keys}), value, rate, decay};
  const Made made = continues(pass) ? step(m, l, given, z, carried) : chunked(m, l, given, z, carried);
  carry(m, pass, {b, l.heads, l.state, v}, fp32);
  Value out = side_by_side(m, made.output, {b, s * l.heads, v}, x->format != fp32 || s == 1, "output, contiguous");
  out = m.view(gated_norm(m, out, m.view(gate, {b, s * l.heads, v})), {b, s, l.width});
  return dense(m, "out_proj", out, x->shape[-1], false, false, Adaptation::Names::its_own);
}

}  // namespace gpumem
