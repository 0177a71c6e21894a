// Mamba 2: heads that carry a state [head_dim, state] each, scanned chunk by chunk with matrix products.
// Source: [transformers] models/mamba2/modeling_mamba2.py Mamba2Mixer, models/falcon_h1/modeling_falcon_h1.py FalconH1Mixer:
// the path without kernels of their own

#include <algorithm>
#include <cmath>

#include "layers/dense.hpp"
#include "layers/mixers.hpp"

namespace gpumem {
namespace {

struct Weights {
  Value decay, time_bias, skip, norm;
};

/// Heads of one group read and write alike: a copy for each head.
Value for_each_head(Machine& m, Value x, double heads) {
  Shape shape = x->shape;
  shape[2] = heads;
  const Value from = std::move(x);
  return m.pad(from, shape, "repeated for heads");
}

/// A triangle of trues.
Value triangle(Machine& m, double side) {
  const Value ones = m.allocate({side, side}, byte_flag, "ones");
  return m.allocate({side, side}, byte_flag, "triangle");
}

Value masked(Machine& m, Value x, const Value& keep) {
  const Value outside = m.allocate(keep->shape, byte_flag, "mask, negated");
  return m.mask_out(std::move(x), outside);
}

/// Sums of x [b, heads, c, l] between any two places: [b, heads, c, l, l].
/// Source: [transformers] models/mamba2/modeling_mamba2.py segment_sum
Value sums_between(Machine& m, Value x) {
  const double side = x->shape[-1];
  Shape square = x->shape;
  square.extent[static_cast<std::size_t>(square.rank++)] = side;
  Value keep = triangle(m, side);
  const Value spread = masked(m, m.stretch(std::move(x), square), keep);
  Value sums = m.cumulate(spread);
  keep = triangle(m, side);
  sums = masked(m, sums, keep);
  return sums;
}

/// Sizes of one scan: sequences, chunks, tokens of a chunk, heads, columns of a head, states.
struct Sizes {
  double b, c, l, h, p, n;
};

/// What einsum makes of an operand whose outer extents have to become one: a copy, unless there is only one matrix a head.
Value batched(Machine& m, const Value& x, bool copied) { return copied ? m.copy(x, "operand, contiguous", Layout::token_major) : x; }

/// What every chunk starts with and what is carried out; what it was made from is held as long.
struct Passed {
  Value before, decay, starts, end;
};

Passed pass_states_on(Machine& m, const Pass& pass, const Sizes& z, const Value& given, Value states, const Value& sums) {
  const Shape first = {z.b, 1, z.h, z.p, z.n}, all = {z.b, z.c + 1, z.h, z.p, z.n};
  const Value before = given ? m.view(given, first) : m.allocate(first, states->format, "no states");
  states = m.view(m.prepend(m.view(before, {z.b, 1, z.h * z.p * z.n}), m.view(states, {z.b, z.c, z.h * z.p * z.n}), "states"), all);
  Value ends = m.pad(m.pick(sums, {z.b, z.h, z.c}), {z.b, z.h, z.c + 1}, "ends of chunks");
  const Value decay = m.exp(sums_between(m, std::move(ends)));
  const Value operand = batched(m, states, z.b > 1);
  if (!pass.cache || std::fmod(z.b * z.h * z.p * z.n, 128) != 0) return {before, decay, m.contract(decay, operand, all, "states of chunks"), {}};
  // One tensor; its last part is what the layer carries on from here.
  Value starts = m.contract(decay, operand, {z.b, z.c, z.h, z.p, z.n}, "states of chunks");
  return {before, decay, std::move(starts), m.allocate(first, fp32, "recurrent state", Component::recurrent_state)};
}

struct Scanned {
  Value output, states, end;
};

/// Source: [transformers] models/mamba2/modeling_mamba2.py mamba2_chunk_scan
Scanned scan(Machine& m, const Pass& pass, const MixerLayer& mixer, const Weights& w, Value x, Value time, Value write, Value read, const Value& carried) {
  const double b = x->shape[0], s = x->shape[1], h = mixer.heads, p = x->shape[3], n = mixer.state;
  const double chunks = std::ceil(s / mixer.chunk), padded = chunks * mixer.chunk;
  const Sizes z = {b, chunks, mixer.chunk, h, p, n};
  const bool copied = b * chunks > 1;
  time = m.add(time, m.cast(w.time_bias, time->format));
  time = m.softplus(m.widen(time));
  time = m.clamp(time);
  x = m.cast(x, fp32);
  write = for_each_head(m, m.cast(write, fp32), h);
  read = for_each_head(m, m.cast(read, fp32), h);
  const Value skipped = m.multiply(m.view(w.skip, {h, 1}), m.pad(x, {b, padded, h, p}, "input, padded"));
  x = m.multiply(x, m.cast(m.view(time, {b, s, h, 1}), fp32));
  Value decay = m.multiply(w.decay, m.cast(time, fp32));
  {
    Value x2 = m.pad(x, {b, padded, h, p}, "input in chunks"), decay2 = m.pad(decay, {b, padded, h}, "decay in chunks");
    Value write2 = m.pad(write, {b, padded, h, n}, "B in chunks"), read2 = m.pad(read, {b, padded, h, n}, "C in chunks");
    x = std::move(x2), decay = m.view(decay2, {b, h, chunks, mixer.chunk});
    write = std::move(write2), read = std::move(read2);
  }
  const Shape inner = {b, chunks, mixer.chunk, h, p};
  const Value sums = m.cumulate(decay);
  const Value lower = m.exp(sums_between(m, decay));
  Value scores;
  {
    const Value left = batched(m, read, copied), right = batched(m, write, copied);
    scores = m.contract(left, right, {b, chunks, z.l, z.l, h}, "scores");
  }
  const Value weights = m.multiply(scores, m.view(lower, scores->shape));
  const Value diagonal = m.contract(weights, batched(m, x, copied), inner, "output within chunks");
  const Value left_over = m.exp(m.subtract(m.view(m.pick(sums, {b, h, chunks, 1}), {b, h, chunks, 1}), sums));
  const Value written = m.multiply(write, m.view(left_over, {b, padded, h, 1}));
  Value states;
  {
    const Value left = batched(m, written, copied), right = batched(m, x, copied);
    states = m.contract(left, right, {b, chunks, h, p, n}, "states");
  }
  const Passed passed = pass_states_on(m, pass, z, carried, std::move(states), sums);
  const Value decay_out = m.exp(sums);
  Value across;
  {
    const Value left = batched(m, read, copied), right = batched(m, m.pick(passed.starts, {b, chunks, h, p, n}), copied);
    across = m.contract(left, right, inner, "output from states");
  }
  const Value faded = m.multiply(across, m.view(decay_out, {b, chunks, z.l, h, 1}));
  Value output = m.copy(m.add(diagonal, faded), "output, contiguous", Layout::token_major);
  output = m.view(output, {b, padded, h, p});
  output = m.add(output, skipped);
  return {m.pick(output, {b, s, h * p}), passed.starts, passed.end};
}

/// One token: the state is read, faded, added to and read again.
/// Source: [transformers] models/mamba2/modeling_mamba2.py mamba2_selective_state_update
Value step(Machine& m, const MixerLayer& mixer, const Weights& w, const Value& x, Value time, Value write, Value read, const Value& gate,
           const Value& state) {
  const double b = x->shape[0], h = mixer.heads, p = mixer.width / h, n = mixer.state;
  const bool shared = h > mixer.groups;
  time = m.add(m.stretch(m.view(time, {b, h, 1}), {b, h, p}), m.view(w.time_bias, {h, 1}));
  time = m.softplus(time);
  const Value decay = m.exp(m.multiply(m.cast(m.view(time, {b, h, p, 1}), fp32), m.stretch(w.decay, {h, p, n})));
  if (shared) write = m.pad(write, {b, 1, h, n}, "repeated for heads");
  const Value gain = m.multiply(m.view(time, {b, h, p, 1}), m.view(write, {b, h, 1, n}));
  const Value added = m.multiply(gain, m.view(x, {b, h, p, 1}));
  Value next;
  {
    Value faded = m.multiply(state, decay);
    next = m.add(std::move(faded), added);
  }
  if (shared) read = m.pad(read, {b, 1, h, n}, "repeated for heads");
  next = m.cast(next, x->format);
  Value out = m.contract(next, read, {b, h, p}, "output");
  out = m.add(out, m.multiply(m.view(x, {b, h, p}), m.view(w.skip, {h, 1})));
  if (gate) out = m.multiply(out, m.silu(gate));
  return out;
}

/// Source: [transformers] models/mamba2/modeling_mamba2.py MambaRMSNormGated.forward
Value gated_norm(Machine& m, const MixerLayer& l, const Value& weight, const Value& x, const Value& gate) {
  const Shape flat = x->shape, parts = {flat[0], flat[1], l.norm_groups, flat[2] / l.norm_groups};
  const auto by_gate = [&](const Value& on) { return m.multiply(on, m.silu(m.cast(gate, fp32))); };
  Value hidden = l.norm_in_fp32 && !l.gate_last ? x : m.cast(x, fp32);
  if (!l.gate_last) hidden = by_gate(hidden);
  Value grouped = m.view(hidden, parts);
  if (l.norm_in_fp32) hidden.drop();
  const Value variance = m.mean_last(m.power(grouped, "x^2"));
  grouped = m.multiply(grouped, m.rsqrt(m.add_number(variance)));
  hidden = m.view(grouped, flat);
  if (!l.norm_in_fp32) return m.multiply(weight, m.cast(hidden, x->format));
  grouped.drop();
  hidden = m.multiply(weight, hidden);
  if (l.gate_last) hidden = by_gate(hidden);
  return m.cast(hidden, x->format);
}

}  // namespace

Value mamba2(Machine& m, const MixerLayer& l, const Value& x, const Pass& pass) {
  const double b = x->shape[0], s = x->shape[1], shared = l.groups * l.state, channels = l.width + 2 * shared, p = l.width / l.heads;
  Value scaled = l.scaled ? m.scale(x, "scaled input") : x;
  Value projected = dense(m, "in_proj", scaled, l.width + channels + l.heads, l.bias);
  if (l.scaled) projected = m.multiply(projected, m.memory.describe({l.width + channels + l.heads}, m.weight_format));
  const Convolution convolution = convolution_of(m, "conv1d", l, channels, l.conv_bias);
  Weights w;
  w.time_bias = m.parameter("dt_bias", {l.heads});
  w.decay = m.parameter("A_log", {l.heads});
  w.skip = m.parameter("D", {l.heads});
  if (l.normed_gate) w.norm = m.parameter("norm.weight", {l.width});
  w.decay = m.negate(m.exp(m.cast(w.decay, fp32)));
  const auto parts = m.split(projected, {l.width, channels, l.heads});
  const Value mixed = m.view(causal_convolution(m, pass, convolution, m.view(parts[1], {b, channels, s}), true), {b, s, channels});
  scaled.drop();
  const auto inner = m.split(mixed, {l.width, shared, shared});
  const Shape grouped = {b, s, l.groups, l.state};
  Value out;
  Scanned scanned;
  if (continues(pass)) {
    const Value gate = l.normed_gate ? Value() : m.view(parts[0], {b, l.heads, p});
    out = step(m, l, w, inner[0], parts[2], m.view(inner[1], grouped), m.view(inner[2], grouped), gate, pass.cache->states(m.layer()).scan);
    out = m.view(out, {b, 1, l.width});
    if (l.normed_gate) out = gated_norm(m, l, w.norm, out, parts[0]);
  } else {
    const Value before = pass.cache ? pass.cache->states(m.layer()).scan : Value();
    scanned = scan(m, pass, l, w, m.view(inner[0], {b, s, l.heads, p}), parts[2], m.view(inner[1], grouped), m.view(inner[2], grouped), before);
    carry(m, pass, {b, l.heads, p, l.state}, fp32);
    out = m.view(scanned.output, {b, s, l.width});
    out = l.normed_gate ? gated_norm(m, l, w.norm, out, parts[0]) : m.multiply(out, m.silu(parts[0]));
  }
  return dense(m, "out_proj", m.cast(out, x->format), x->shape[-1], l.output_bias, false, Adaptation::Names::its_own);
}

}  // namespace gpumem
