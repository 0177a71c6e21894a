// Convolutions over the last few tokens, and the states that mixers carry on.

#include <algorithm>

#include "layers/mixers.hpp"

namespace gpumem {

Convolution convolution_of(Machine& m, const char* name, const MixerLayer& l, double channels, bool bias) {
  const Machine::Scope scope(m, name);
  Convolution c;
  c.width = l.conv;
  c.weight = m.parameter("weight", {channels, 1, l.conv});
  if (bias) c.bias = m.parameter("bias", {channels});
  return c;
}

bool continues(const Pass& pass) { return pass.cache && pass.past > 0 && pass.tokens == 1; }

namespace {

/// Source: [transformers] models/mamba2/modeling_mamba2.py causal_conv1d_update
Value one_more(Machine& m, const Value& state, const Convolution& c, const Value& x, bool activated) {
  const Value joined = m.cat(state, x, "state and input");
  Value out = m.convolve(joined, c.weight, c.bias, x->shape.with_last(2), "convolution");
  out = m.pick(out, x->shape);
  if (activated) out = m.silu(out);
  return out;
}

/// Source: [transformers] cache_utils.py LinearAttentionLayer.update_conv_state
Value joined_with_state(Machine& m, const Pass& pass, const Convolution& c, Value x) {
  Value& state = pass.cache->states(m.layer()).conv;
  if (state) return m.cat(state, std::move(x), "state and input");
  const Shape kept = x->shape.with_last(c.width);
  state = m.allocate(kept, x->format, "convolution state", Component::recurrent_state);
  if (x->shape[-1] < c.width) return m.pad(std::move(x), kept, "input, padded");
  return x;
}

}  // namespace

/// Source: [transformers] models/mamba2/modeling_mamba2.py causal_conv1d_fn: padded on both sides, then cut
Value causal_convolution(Machine& m, const Pass& pass, const Convolution& c, Value x, bool activated) {
  const Shape wanted = x->shape;
  if (continues(pass)) {
    const Value own = std::move(x);
    return one_more(m, pass.cache->states(m.layer()).conv, c, own, activated);
  }
  const Format* given = x->format;
  const Value all = pass.cache ? joined_with_state(m, pass, c, std::move(x)) : std::move(x);
  Value out = m.convolve(m.cast(all, c.weight->format), c.weight, c.bias, wanted.with_last(all->shape[-1] + c.width - 1), "convolution");
  out = m.pick(out, all->shape);
  if (activated) out = m.silu(out);
  out = m.cast(out, given);
  return all->shape == wanted ? out : m.pick(out, wanted);
}

Value with_further_chunks(Machine& m, Value out, double count, double of, const Format* format) {
  if (count <= 0) return out;
  const Value from = std::move(out);
  Node* node = m.record([](Machine&, Node&, Gradients& g) { g.made[0] = g.given[0]; }, {&from});
  const bool forgotten = node && node->frame >= 0 && !m.replaying();   // the first run under a checkpoint keeps nothing
  m.save(node, forgotten ? from : m.allocate({count, of}, format, "what further chunks keep"));
  Value same = m.view(from, from->shape);
  return m.bind(node, same);
}

void carry(Machine& m, const Pass& pass, const Shape& shape, const Format* format) {
  if (!pass.cache) return;
  Value& state = pass.cache->states(m.layer()).scan;
  if (!state) state = m.allocate(shape, format, "recurrent state", Component::recurrent_state);
}

Value mix(Machine& m, const MixerLayer& l, const Value& x, const Pass& pass) {
  const Machine::Scope scope(m, l.kind == MixerLayer::Kind::short_conv    ? "conv"
                                : l.kind == MixerLayer::Kind::gated_delta ? "linear_attn"
                                                                          : "mamba");
  switch (l.kind) {
    case MixerLayer::Kind::short_conv: return short_convolution(m, l, x, pass);
    case MixerLayer::Kind::mamba: return mamba(m, l, x, pass);
    case MixerLayer::Kind::gated_delta: return gated_delta(m, l, x, pass);
    case MixerLayer::Kind::lightning:   // its layer runs it
    case MixerLayer::Kind::mamba2: break;
  }
  return mamba2(m, l, x, pass);
}

}  // namespace gpumem
