// Mamba: every column carries `state` numbers, faded and added to token by token in a loop.
// Source: [transformers] models/mamba/modeling_mamba.py MambaMixer, models/jamba/modeling_jamba.py JambaMambaMixer,
// models/falcon_mamba/modeling_falcon_mamba.py FalconMambaMixer: the path without kernels of their own

#include <array>

#include "layers/dense.hpp"
#include "layers/mixers.hpp"
#include "layers/norms.hpp"
#include "machine/memory.hpp"

namespace gpumem {
namespace {

struct Weights {
  Value time_bias, decay, skip;
};

/// Source: [transformers] models/falcon_mamba/modeling_falcon_mamba.py FalconMambaWeightlessRMSNorm.forward
Value bare_norm(Machine& m, const Value& x) {
  Value hidden = m.cast(x, fp32);
  const Value variance = m.mean_last(m.power(hidden, "x^2"));
  hidden = m.multiply(hidden, m.rsqrt(m.add_number(variance)));
  return m.cast(hidden, x->format);
}

Value norm_of(Machine& m, const MixerLayer& l, const char* name, const Value& x) {
  if (!l.normed_parts) return x;
  return l.weighted_parts ? normalise(m, name, NormKind::rms, x) : bare_norm(m, x);
}

/// What is a tensor of each token: `count` of them, each rounded up by itself.
Value of_tokens(Machine& m, double count, double width, const Format* format, const char* label) {
  const double unit = in(bytes, rounded_up(stored_bytes(elements(width), *format))) * width / in(bytes, stored_bytes(elements(width), *format));
  return m.allocate({count, unit}, format, label);
}

struct Scanned {
  Value output, state;
};

/// What the loop over tokens reads: decays and what is added [b, width, s, n], C [b, s, n].
struct Steps {
  Value decay, added, read;
};

/// Decays, what is added, C and the state so far go in; a state, or a token's output, comes out.
Scanned token(Machine& m, const Steps& by, const Value& before, const Format* narrow) {
  const double b = before->shape[0], width = before->shape[1], n = before->shape[2];
  Value faded = m.multiply(m.pick(by.decay, before->shape), before);
  const Value state = m.add(std::move(faded), m.pick(by.added, before->shape));
  const Value low = m.cast(state, narrow);
  const Value read = m.pick(by.read, {b, n, 1});
  const Value output = m.contract(low, read, {b, width, 1}, "output of a token");
  return {m.pick(output, {b, width}), state};
}

void all_new(Machine& m, Node& n, Gradients& g) {
  for (int i = 0; i < 3; ++i)
    if (n.wants(i)) g.made[static_cast<std::size_t>(i)] = m.gradient_like(n, i, "gradient of a token");
}

/// All tokens but the last two at once: backward meets its highest moment at the last two, while all that was saved is there.
/// Of each token the state is saved, once more in the format of the input where that is another, and C where autocast lowers it.
Scanned first_tokens(Machine& m, const Steps& by, double count, const Shape& one, const Format* wide, const Format* narrow) {
  const Value start = m.allocate(one, narrow, "no state");
  const Value decay = m.pick(by.decay, one), added = m.pick(by.added, one), read = m.pick(by.read, {one[0], one[2], 1});
  Node* node = m.record(all_new, {&decay, &added, &read});
  const double each = one[0] * one[1] * one[2];
  m.save(node, start);
  m.save(node, decay);
  const bool forgotten = node && node->frame >= 0 && !m.replaying();   // the first run under a checkpoint keeps nothing
  const auto save_each = [&](double tokens_saved, double width, const Format* format, const char* label) {
    m.save(node, forgotten ? start : of_tokens(m, tokens_saved, width, format, label));
  };
  if (by.read->format == narrow || !m.autocast) m.save(node, read);
  else save_each(count, one[0] * one[2], m.autocast, "C of tokens, lowered");
  if (count > 1) save_each(count - 1, each, wide, "states of tokens");
  if (wide != narrow) save_each(count, each, narrow, "states of tokens, narrow");
  m.allocate(one, wide, "faded state").drop();
  Scanned out = {of_tokens(m, count, one[0] * one[1], narrow, "outputs of tokens"), m.allocate(one, wide, "state")};
  if (wide == narrow) m.save(node, out.state);
  m.bind(node, out.output, 0);
  m.bind(node, out.state, 1);
  return out;
}

/// What tokens put out is held until the scan is done with.
struct Loop {
  Scanned rest, result;
  std::array<Value, 2> last;
};

/// The loop with all it keeps for backward.
/// Source: [transformers] models/mamba/modeling_mamba.py mamba_selective_scan
Loop recorded(Machine& m, const Steps& by, const Shape& shape, double n, const Format* narrow) {
  const Shape one = {shape[0], shape[1], n};
  const double s = shape[2];
  Loop loop;
  Scanned &rest = loop.rest, &at = loop.result;
  if (s > 2) rest = first_tokens(m, by, s - 2, one, promoted(by.decay->format, narrow), narrow);
  at.state = s > 2 ? rest.state : m.allocate(one, narrow, "no state");
  rest.state.drop();
  std::array<Value, 2>& last = loop.last;
  for (std::size_t i = s > 1 ? 0 : 1; i < 2; ++i) {
    at = token(m, by, at.state, narrow);
    last[i] = at.output;
  }
  Node* node = m.record([](Machine& on, Node& stack, Gradients& g) {
    for (std::size_t i = 0; i < 3; ++i)
      if (stack.wants(static_cast<int>(i))) g.made[i] = on.view(g.given[0], stack.input[i].shape);
  }, {&rest.output, &last[0], &last[1]});
  Value output = m.allocate(shape, narrow, "outputs, stacked");
  at.output = m.bind(node, output);
  return loop;
}

/// x [b, width, s]. The state is in fp32 once it has met the decay.
/// Source: [transformers] models/mamba/modeling_mamba.py mamba_selective_scan
Scanned scan(Machine& m, const Pass& pass, const Weights& w, const Value& x, Value time, const Value& write, const Value& read, const Value& skip,
             const Value& gate) {
  const double b = x->shape[0], width = x->shape[1], s = x->shape[2], n = write->shape[2];
  time = m.add(time, m.view(m.cast(w.time_bias, time->format), {width, 1}));
  time = m.softplus(m.widen(time));
  const Value each = m.view(time, {b, width, s, 1});
  const Value decay = m.exp(m.multiply(m.stretch(m.view(w.decay, {width, 1, n}), {b, width, s, n}), each));
  const Value gain = m.multiply(each, m.cast(m.view(write, {b, 1, s, n}), fp32));
  const Value added = m.multiply(gain, m.cast(m.view(x, {b, width, s, 1}), fp32));
  if (m.recording) {
    Loop loop = recorded(m, {decay, added, m.view(read, {b, s, n})}, x->shape, n, x->format);
    Scanned& kept = loop.result;
    kept.output = m.add(kept.output, m.multiply(x, m.view(skip, {width, 1})));
    kept.output = m.multiply(kept.output, m.silu(gate));
    return kept;
  }
  const Shape one = {b, width, n};
  const Component kind = pass.cache ? Component::recurrent_state : Component::activations;
  const Format* wide = promoted(decay->format, x->format);
  const Value earlier = s > 1 ? of_tokens(m, s - 1, b * width, x->format, "outputs of tokens") : Value();
  Value state;
  {
    const Value before = m.allocate(one, s > 1 ? wide : x->format, "state before");   // zeros in the input's format at first
    const Value faded = m.allocate(one, wide, "faded state");
    state = m.allocate(one, wide, "state", kind);
  }
  const Value last = [&] {
    const Value narrow = m.cast(state, x->format);
    return of_tokens(m, 1, b * width, x->format, "output of a token");
  }();
  Value output = m.allocate(x->shape, x->format, "outputs, stacked");
  output = m.add(output, m.multiply(x, m.view(skip, {width, 1})));
  output = m.multiply(output, m.silu(gate));
  return {output, state};
}

/// Source: [transformers] models/mamba/modeling_mamba.py mamba_selective_state_update
Value step(Machine& m, const Weights& w, const Value& x, Value time, const Value& write, const Value& read, const Value& gate, const Value& state) {
  const double b = x->shape[0], width = x->shape[1], n = write->shape[2];
  const Shape all = {b, width, n}, column = {b, width, 1};
  time = m.view(time, {b, width});
  time = m.add(time, m.cast(w.time_bias, time->format));
  time = m.softplus(time);
  const Value decay = m.exp(m.multiply(m.view(m.cast(time, fp32), column), m.view(w.decay, {width, n})));
  Value gain;
  {
    const Value wide = m.cast(time, fp32);
    gain = m.multiply(m.stretch(wide, all), m.cast(m.view(write, {b, 1, n}), fp32));
  }
  const Value added = m.multiply(gain, m.view(m.cast(m.view(x, {b, width}), fp32), column));
  Value faded = m.multiply(state, decay);
  const Value next = m.add(std::move(faded), added);
  Value out = m.contract(m.cast(next, x->format), read, {b, width}, "output");
  out = m.add(out, m.multiply(m.view(x, {b, width}), w.skip));
  return m.multiply(out, m.silu(m.view(gate, {b, width})));
}

}  // namespace

Value mamba(Machine& m, const MixerLayer& l, const Value& x, const Pass& pass) {
  const double b = x->shape[0], s = x->shape[1];
  const Shape columns = {b, l.width, s};
  const Value projected = dense(m, "in_proj", x, 2 * l.width, l.bias);
  const Convolution convolution = convolution_of(m, "conv1d", l, l.width, l.conv_bias);
  Weights w;
  const Value log_decay = m.parameter("A_log", {l.width, l.state});
  w.skip = m.parameter("D", {l.width});
  w.decay = m.negate(m.exp(m.cast(log_decay, fp32)));
  const auto halves = m.split(projected, {l.width, l.width});
  const Value mixed = causal_convolution(m, pass, convolution, m.view(halves[0], columns), true);
  // Columns lie outermost: rows of several sequences are no matrix, and are copied for it.
  Value rows = m.view(mixed, {b, s, l.width});
  if (b > 1 && s > 1) rows = m.copy(m.lower(rows), "rows, contiguous", Layout::token_major);
  Value selected = dense(m, "x_proj", std::move(rows), l.rank + 2 * l.state, false);
  auto parts = m.split(selected, {l.rank, l.state, l.state});
  Value time = norm_of(m, l, "dt_layernorm", parts[0]);
  const Value write = norm_of(m, l, "b_layernorm", parts[1]), read = norm_of(m, l, "c_layernorm", parts[2]);
  parts.clear();   // what was normalised lives on in its norms only
  selected.drop();
  time = m.contract(m.parameter("dt_proj.weight", {l.width, l.rank}), time, columns, "time step");
  w.time_bias = m.cast(m.parameter("dt_proj.bias", {l.width}), fp32);
  Value out;
  Scanned scanned;
  if (continues(pass)) {
    out = step(m, w, mixed, time, write, read, halves[1], pass.cache->states(m.layer()).scan);
    out = m.view(out, {b, 1, l.width});
  } else {
    const Value skip = m.cast(w.skip, fp32);
    scanned = scan(m, pass, w, mixed, time, write, read, skip, m.view(halves[1], columns));
    carry(m, pass, {b, l.width, l.state}, scanned.state->format);
    out = m.view(scanned.output, {b, s, l.width});
  }
  return dense(m, "out_proj", m.cast(out, x->format), x->shape[-1], l.output_bias, false, Adaptation::Names::its_own);
}

}  // namespace gpumem
