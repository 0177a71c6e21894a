#include "layers/disentangled.hpp"

#include <algorithm>

#include "layers/dense.hpp"
#include "layers/encoder_run.hpp"
#include "layers/norms.hpp"

namespace gpumem {
namespace {

/// [b, s, heads·d] → [b, heads, s, d] with the heads outermost: a copy, unless they lie so.
Value heads_apart(Machine& m, Value x, double heads) {
  const bool copied = heads > 1 && x->shape[1] > 1;
  Value split = m.heads(std::move(x), heads);
  if (copied) return m.copy(std::move(split), "heads outermost", Layout::head_major);
  split->layout = Layout::head_major;
  return split;
}

Value across(Machine& m, const Value& x) { return m.view(x, {x->shape[0], x->shape[1], x->shape[3], x->shape[2]}); }

/// Runs a projection of this layer once more.
struct Projection {
  const char* name;
  std::size_t place;

  Value again(Machine& m, const Value& x, double width) const {
    std::size_t& next = m.parameters.position(m.layer());
    const std::size_t before = std::exchange(next, place);
    Value out = dense(m, name, x, width, true);
    m.parameters.position(m.layer()) = before;
    return out;
  }
};

/// Rows of distances, one copy a sequence: [b, heads, rows, d].
Value for_each_sequence(Machine& m, Value rows, double sequences) {
  Value repeated = m.take_rows(std::move(rows), m.memory.describe({sequences}, int64));
  repeated->layout = Layout::head_major;
  return repeated;
}

/// Which row each pair of tokens reads: [s, s], of all heads and sequences.
Value numbers_of_rows(Machine& m, const Pass& pass, const Shape& scores) {
  const Shape pairs = {pass.tokens, pass.tokens};
  const Value moved = m.allocate(pairs, int64, "distances, from zero");
  return m.view(m.allocate(pairs, int64, "numbers of rows"), scores);
}

struct Sides {
  Value query, key;   ///< rows of distances as queries and as keys; [b, heads, rows, d]
};

/// Source: [transformers] models/deberta_v2/modeling_deberta_v2.py DisentangledSelfAttention.disentangled_attention_bias
Sides project(Machine& m, const AttentionLayer& a, const Value& rows, double sequences, const Projection& as_query, const Projection& as_key) {
  const DistanceScores& d = *a.distances;
  const double width = a.heads * a.head_dim;
  const auto apart = [&](Value projected) { return for_each_sequence(m, heads_apart(m, std::move(projected), a.heads), sequences); };
  Sides sides;
  if (d.shared) {
    sides.query = apart(as_query.again(m, rows, width));
    sides.key = apart(as_key.again(m, rows, width));
    return sides;
  }
  if (d.to_distance) sides.key = apart(dense(m, "pos_key_proj", rows, width, true));
  if (d.from_distance) sides.query = apart(dense(m, "pos_query_proj", rows, width, true));
  return sides;
}

/// Scores of contents against distances, and the other way round; what made them is held until both are there.
Value scores_of_distances(Machine& m, const AttentionLayer& a, const Pass& pass, const Value& query, const Value& key, const Sides& sides) {
  const DistanceScores& d = *a.distances;
  const Shape pairs = query->shape.with_last(pass.tokens);
  Value score, to, from;
  Value numbers, more_numbers;
  if (d.to_distance) {
    to = m.matmul(query, across(m, sides.key), "scores of distances");
    numbers = numbers_of_rows(m, pass, pairs);
    to = m.gather(to, numbers);
    to->layout = Layout::head_major;
    score = d.joint ? m.add_number(to) : m.add_number(m.scale(to, "scaled"));
  }
  if (d.from_distance) {
    more_numbers = numbers_of_rows(m, pass, pairs);
    from = m.matmul(key, across(m, sides.query), "scores of distances");
    from = m.gather(from, more_numbers);
    from->layout = Layout::head_major;
    const Value scaled = d.joint ? from : m.scale(from, "scaled");
    score = score ? m.add_in_place(score, scaled) : m.add_number(scaled);
  }
  return score;
}

/// Source: [transformers] models/deberta_v2/modeling_deberta_v2.py DisentangledSelfAttention.forward
AttentionResult weigh(Machine& m, const AttentionLayer& a, const Pass& pass, Value scores, const Value& value) {
  const Value bits = m.allocate(pass.mask[0]->shape, byte_flag, "pairs that count");
  const Value hidden = m.allocate(pass.mask[0]->shape, byte_flag, "pairs that do not count");
  scores = m.mask_out(scores, hidden);
  scores->layout = Layout::head_major;
  Value probabilities = m.softmax(m.widen(scores));
  probabilities = m.dropout(probabilities, a.dropout);
  AttentionResult result;
  result.output = m.flatten_heads(m.matmul(probabilities, value, "attention output"));
  result.context = result.output;
  return result;
}

/// Source: [transformers] models/deberta/modeling_deberta.py DisentangledSelfAttention.forward, disentangled_att_bias
AttentionResult joint_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass) {
  const DistanceScores& d = *a.distances;
  const double width = a.heads * a.head_dim;
  const Value joint = dense(m, "in_proj", x, 3 * width, false);
  const auto parts = m.split(joint, {width, width, width});
  const auto biased = [&](const char* name, const Value& part) {
    return m.add(m.heads(part, a.heads), m.view(m.parameter(name, {width}), {1, a.heads, 1, a.head_dim}));
  };
  Value query = biased("q_bias", parts[0]);
  const Value key = m.heads(parts[1], a.heads), value = biased("v_bias", parts[2]);
  query = m.scale(query, "scaled query");
  Value scores = m.matmul(query, across(m, key), "scores");
  Value rows, bias;
  if (pass.distance_rows) {
    rows = m.dropout(pass.distance_rows, d.dropout);
    const double span = std::min(d.span, pass.tokens);
    Value near = span < d.span ? m.pick(rows, {2 * span, rows->shape[1]}) : rows;
    near = m.view(near, {1, 2 * span, rows->shape[1]});
    Sides sides;
    const auto stretched = [&](Value one) { return pass.sequences > 1 ? m.stretch(one, {pass.sequences, one->shape[1], one->shape[2], one->shape[3]}) : one; };
    if (d.to_distance) sides.key = stretched(m.heads(dense(m, "pos_proj", near, width, false), a.heads));
    if (d.from_distance) sides.query = stretched(m.heads(m.scale_in_place(dense(m, "pos_q_proj", near, width, true)), a.heads));
    bias = scores_of_distances(m, a, pass, query, key, sides);
  }
  scores = bias ? m.add(scores, bias) : m.add_number(scores);
  return weigh(m, a, pass, std::move(scores), value);
}

AttentionResult separate_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass) {
  const double width = a.heads * a.head_dim;
  const auto place = [&m] { return m.parameters.position(m.layer()); };
  const Projection as_query{"q_proj", place()};
  const Value query = heads_apart(m, dense(m, "q_proj", x, width, true), a.heads);
  const Projection as_key{"k_proj", place()};
  const Value key = heads_apart(m, dense(m, "k_proj", x, width, true), a.heads);
  const Value value = heads_apart(m, dense(m, "v_proj", x, width, true), a.heads);
  Value scores = m.matmul(query, m.scale(across(m, key), "scaled key"), "scores");
  Value rows, bias;
  if (pass.distance_rows) {
    rows = m.dropout(pass.distance_rows, a.distances->dropout);
    const Sides sides = project(m, a, m.view(rows, {1, rows->shape[0], rows->shape[1]}), x->shape[0], as_query, as_key);
    bias = scores_of_distances(m, a, pass, query, key, sides);
    if (bias) scores = m.add(scores, bias);
  }
  return weigh(m, a, pass, std::move(scores), value);
}

}  // namespace

AttentionResult disentangled_attention(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass) {
  const Machine::Scope scope(m, "self_attn");
  AttentionResult result = a.distances->joint ? joint_attention(m, a, x, pass) : separate_attention(m, a, x, pass);
  result.output = dense(m, "o_proj", result.output, x->shape[-1], true);
  return result;
}

/// Source: [transformers] models/deberta_v2/modeling_deberta_v2.py DebertaV2Encoder.forward, get_attention_mask, get_rel_embedding
void prepare_distances(Machine& m, const Stack& stack, double width, Pass& pass) {
  pass.mask[0] = m.allocate({pass.sequences, 1, pass.tokens, pass.tokens}, fp32, "pairs of tokens");
  if (stack.distance_rows == 0) return;
  pass.distances = m.allocate({pass.tokens, pass.tokens}, int64, "distances");
  pass.distance_rows = m.parameter("rel_embeddings.weight", {stack.distance_rows, width});
  if (stack.distances_normed) pass.distance_rows = normalise(m, "rel_embeddings.LayerNorm", NormKind::layer, pass.distance_rows);
}

/// Source: [transformers] models/deberta_v2/modeling_deberta_v2.py ConvLayer.forward
Value convolved_beside(Machine& m, const Stack& stack, const Value& embedded, const Value& made) {
  const double b = embedded->shape[0], s = embedded->shape[1], h = embedded->shape[2];
  const Value weight = m.parameter("conv.weight", {h, std::floor(h / stack.convolution_groups), stack.convolution});
  const Value bias = m.parameter("conv.bias", {h});
  Value out = m.convolve(m.copy(embedded, "columns", Layout::token_major), weight, bias, {b, h, s}, "convolution");
  out = m.copy(m.view(out, {b, s, h}), "rows", Layout::token_major);
  out = m.tanh(m.dropout(std::move(out), stack.input.dropout));
  const Value sum = m.add(made, out);
  const Value normed = normalise(m, "conv.LayerNorm", NormKind::layer, sum);
  return m.multiply(normed, m.allocate({b, s, 1}, normed->format, "mask of ones"));
}

/// What was looked up is held until the rows are there.
/// Source: [transformers] models/deberta_v2/modeling_deberta_v2.py DebertaV2Embeddings.forward
Value EncoderRun::embed_masked(Machine& m, const InputLayer& in, const Value& ids, Held& held) {
  const double b = ids->shape[0], s = ids->shape[1], width = model_.width(in);
  held.push_back(m.allocate({b, s}, fp32, "mask of ones"));
  const Value ones = held.back();
  held.push_back(m.allocate({b, s}, int64, "token types"));
  const Value types = held.back();
  const Value words = m.embedding(ids, token_table(m, in), "token embeddings");
  Value hidden = words, places, kinds;
  if (in.positions > 0) {
    places = m.embedding(m.memory.describe({1, s}, int64), m.parameter("embed_positions.weight", {in.positions, width}), "position embeddings");
    hidden = m.add(hidden, places);
  } else {
    places = m.allocate(words->shape, words->format, "zeros for positions");
  }
  if (in.types > 0) {
    kinds = m.embedding(types, m.parameter("token_type_embeddings.weight", {in.types, width}), "type embeddings");
    hidden = m.add(hidden, kinds);
  }
  if (width != model_.hidden) hidden = dense(m, "embed_proj", hidden, model_.hidden, false);
  hidden = normalise(m, "embeddings.LayerNorm", *in.norm, hidden);
  const Value mask = m.cast(m.view(ones, {b, s, 1}), hidden->format);
  hidden = m.multiply(hidden, mask);
  return m.dropout(std::move(hidden), in.dropout);
}

}  // namespace gpumem
