// Hidden states side by side: a layer foretells all of them, works on one, and corrects all by what came of it (AltUp).
// Source: [transformers] models/gemma3n/modeling_gemma3n.py Gemma3nTextAltUp, Gemma3nTextLaurelBlock, Gemma3nTextDecoderLayer

#include <algorithm>
#include <utility>

#include "layers/attention.hpp"
#include "layers/dense.hpp"
#include "layers/layer_inputs.hpp"
#include "layers/mlp.hpp"
#include "layers/norms.hpp"

namespace gpumem {
namespace {

Value one_of(Machine& m, const Value& x) { return m.pick(x, {x->shape[1], x->shape[2], x->shape[3]}); }

/// Every step is held until the end; of some gates only what stands out of its token's numbers passes: relu(x − (mean + deviation · c)).
/// Source: [transformers] models/gemma3n/modeling_gemma3n.py Gemma3nTextMLP
Value feed(Machine& m, const MlpLayer& l, const Value& x) {
  const Machine::Scope scope(m, "mlp");
  Value gate = dense(m, "gate_proj", x, l.width, false);
  if (l.thinned) {
    const Value mean = m.mean_last(gate), deviation = m.deviation_last(gate);
    const Value cut = m.add(mean, m.scale(deviation));
    gate = m.relu(m.subtract(gate, cut));
  }
  const Value activated = activate(m, l.activation, gate);
  const Value up = dense(m, "up_proj", x, l.width, false);
  return dense(m, "down_proj", m.multiply(activated, up), x->shape[-1], false);
}

/// √mean(x²), as a power, or with a root that is kept from zero.
Value magnitude(Machine& m, const Value& x, bool rooted) {
  Value mean = m.mean_last(m.power(x, "x^2"));
  return rooted ? m.root(m.at_least(mean)) : m.power(mean, "root");
}

Value route(Machine& m, const DecoderLayer& l, const Value& x) {
  Value routed = dense(m, "modality_router", m.scale(normalise(m, "router_norm", l.norm, x)), l.streams, false);
  return m.cast(m.tanh(m.cast(routed, fp32)), x->format);
}

/// Asked twice a layer, for the same weights: those from place `first` on.
Value router(Machine& m, const DecoderLayer& l, const Value& x, std::size_t first) {
  std::size_t& place = m.parameters.position(m.layer());
  const std::size_t next = std::exchange(place, first);
  Value modalities = route(m, l, x);
  std::size_t& behind = m.parameters.position(m.layer());
  behind = std::max(behind, next);
  return modalities;
}

Value predict(Machine& m, const DecoderLayer& l, const Value& x, std::size_t first) {
  const double n = l.streams, b = x->shape[1], s = x->shape[2], h = x->shape[3];
  const Value modalities = router(m, l, one_of(m, x), first);
  const Value coefficients = m.view(dense(m, "prediction_coefs", modalities, n * n, false), {b, s, n, n});
  Value predicted = m.contract(m.view(x, {b, s, h, n}), coefficients, {b, s, h, n}, "predictions");
  predicted = m.add_in_place(m.view(std::move(predicted), x->shape), x);
  return m.cast(m.copy(predicted, "predictions, contiguous", Layout::head_major), x->format);
}

Value correct(Machine& m, const DecoderLayer& l, const Value& predictions, const Value& activated, std::size_t first) {
  const double n = l.streams;
  const Value modalities = router(m, l, activated, first);
  Value innovation = m.subtract(activated, one_of(m, predictions));
  innovation = m.repeat_in_front(innovation, n);
  const Value coefficients = m.add_number(dense(m, "correction_coefs", modalities, n, false));
  const Value by_stream = m.view(coefficients, {n, activated->shape[0], activated->shape[1], 1});
  return m.add_in_place(m.multiply(innovation, by_stream), predictions);
}

Value low_rank_path(Machine& m, const DecoderLayer& l, const Value& x) {
  const Machine::Scope scope(m, "laurel");
  Value hidden = dense(m, "linear_left", x, l.low_rank, false);
  hidden = dense(m, "linear_right", hidden, x->shape[-1], false);
  return m.add(x, normalise(m, "post_laurel_norm", l.norm, hidden));
}

/// One stream after the other, brought to the length of the first.
std::vector<Value> projected(Machine& m, const DecoderLayer& l, const char* name, const Value& first, const Value& all, std::vector<Value>& held) {
  const Value length = magnitude(m, first, false);
  std::vector<Value> streams = {first};
  for (double i = 1; i < l.streams; ++i) {
    Value stream = dense(m, name, all ? one_of(m, all) : first, first->shape[-1], false);
    held.assign({stream});
    stream = m.cast(stream, first->format);
    const Value own = magnitude(m, stream, true);
    stream = m.divide(m.multiply(stream, length), own);
    streams.push_back(std::move(stream));
  }
  return streams;
}

}  // namespace

Value spread(Machine& m, const DecoderLayer& l, const Value& embeddings, std::vector<Value>& held) {
  std::vector<Value> streams = projected(m, l, "altup_projections", embeddings, {}, held);
  Value whole = m.stack(streams, "streams");
  for (Value& one : streams) held.push_back(std::move(one));
  return whole;
}

Value gather_streams(Machine& m, const DecoderLayer& l, const Value& hidden, std::vector<Value>& held) {
  held.clear();
  const Value first = one_of(m, hidden);
  std::vector<Value> streams = projected(m, l, "altup_unembed_projections", first, hidden, held);
  return m.mean_in_front(m.stack(streams, "streams"));
}

Value streams_layer(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass) {
  const std::size_t begin = m.parameters.position(m.layer());
  const Value predictions = [&] {
    const Machine::Scope scope(m, "altup");
    return predict(m, l, x, begin);
  }();
  const Value active = one_of(m, predictions);
  const Value normed = normalise(m, "input_layernorm", l.norm, active);
  const Value beside = low_rank_path(m, l, normed);
  AttentionResult result = attention(m, l.attention, normed, pass);
  Value attended = std::move(result.output);
  attended = normalise(m, "post_attention_layernorm", l.norm, attended);
  const Value sum = m.add(active, attended);
  const Value both = m.scale(m.add(sum, beside), "sum with the low-rank path");
  const Value before = normalise(m, "pre_feedforward_layernorm", l.norm, both);
  const Value fed = m.recomputed.mlp ? m.checkpoint(before, [&l](Machine& on, const Value& in) { return feed(on, l.mlp, in); }) : feed(m, l.mlp, before);
  const Value fed_normed = normalise(m, "post_feedforward_layernorm", l.norm, fed);
  const Value worked = m.add(both, fed_normed);
  const Machine::Scope scope(m, "altup");
  const Value corrected = correct(m, l, predictions, worked, begin);
  Value first = m.copy(one_of(m, corrected), "first prediction", Layout::token_major);
  if (l.stream_scaled) {
    const Value scale = m.parameter("correct_output_scale", {first->shape[-1]});
    first = m.cast(m.multiply(m.cast(first, scale->format), scale), corrected->format);
  }
  first = let_in(m, l, std::move(first), pass.layer_input);
  const Shape& shape = corrected->shape;
  const Value rest = m.add_in_place(m.pick(corrected, {shape[0] - 1, shape[1], shape[2], shape[3]}), first);
  return m.write_part(corrected, rest);
}

void stream_buffers(Machine& m, const Decoder& model, std::vector<Value>& held) {
  const DecoderLayer& l = model.layers[0];
  const double numbers = l.own_input == 0 ? 0 : l.order == DecoderLayer::Order::streams ? 3 + static_cast<double>(model.layers.size()) : 1;
  for (double i = 0; i < numbers; ++i) held.push_back(m.allocate({1}, fp32, "scale kept in a tensor", Component::workspace));
}

}  // namespace gpumem
