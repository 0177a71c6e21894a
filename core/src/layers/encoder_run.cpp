#include "layers/encoder_run.hpp"

#include <algorithm>
#include <cmath>

#include "layers/attention.hpp"
#include "layers/block.hpp"
#include "layers/dense.hpp"
#include "layers/disentangled.hpp"
#include "layers/gaps.hpp"
#include "layers/mlp.hpp"
#include "layers/model.hpp"
#include "layers/norms.hpp"
#include "layers/rotary.hpp"

namespace gpumem {

std::vector<int> layer_kinds(const EncoderModel& model) {
  std::vector<int> kinds = layer_kinds(model.encoder.layers);
  if (model.encoder.shared_by > 0 || model.staged)   // what they share is theirs together: each is run; and blocks are of many kinds
    for (std::size_t i = 0; i < kinds.size(); ++i) kinds[i] = static_cast<int>(i);
  if (model.encoder.convolution > 0) kinds.front() = -3;
  if (!model.decoder) return kinds;
  kinds.insert(kinds.end(), {-1, -2});   // the encoder's end, the decoder's beginning
  // Layers that attend to an encoder are like none of its own.
  for (const int kind : layer_kinds(model.decoder->layers)) kinds.push_back(1 << 16 | kind);
  return kinds;
}

namespace {

bool windowed(const DecoderLayer& l) { return l.attention.window > 0; }

/// Layers with a window have rotary tables of their own.
std::size_t kinds_of_tables(const Stack& stack) { return std::any_of(stack.layers.begin(), stack.layers.end(), windowed) ? 2 : 1; }

const AttentionLayer* rotating(const Stack& stack) {
  for (const DecoderLayer& l : stack.layers)
    if (l.attention.rotary != AttentionLayer::Rotary::none) return &l.attention;
  return nullptr;
}

void mask_both_ways_in(Machine& m, const Stack& stack, Pass& pass, const Format* format) {
  if (std::any_of(stack.layers.begin(), stack.layers.end(), windowed)) pass.mask[1] = mask_both_ways(m, pass, stack.reach, format);
}

/// Source: [transformers] models/t5/modeling_t5.py T5Attention.compute_bias
Value biases_by_distance(Machine& m, const Value& table, const Pass& pass) {
  const double keys = pass.past + pass.tokens;
  const Value rows = m.embedding(m.allocate({pass.tokens, keys}, int64, "distances in buckets"), table, "biases by distance");
  Value bias = m.view(rows, {1, table->shape[1], pass.tokens, keys});
  bias->layout = Layout::token_major;
  return bias;
}

}  // namespace

/// One table of biases by distance serves every layer; scores of the encoder's output get zeros.
/// Source: [transformers] models/t5/modeling_t5.py T5Attention.compute_bias
void EncoderRun::bias_scores(Machine& m, const Stack& stack, Pass& pass) {
  if (stack.distance_buckets == 0) return;
  const double heads = stack.layers.front().attention.heads, queries = pass.tokens;
  const Value table = m.parameter("relative_attention_bias.weight", {stack.distance_buckets, heads});
  if (stack.layers.front().order == DecoderLayer::Order::modules_norm_last) {
    /// Source: [transformers] models/mpnet/modeling_mpnet.py MPNetEncoder.compute_position_bias: written down for every sequence
    pass.kernel = AttentionKernel::eager;
    const Value once = biases_by_distance(m, table, pass);
    pass.bias = m.copy(m.stretch(once, {pass.sequences, heads, queries, once->shape[3]}), "biases of every sequence", Layout::head_major);
    return;
  }
  if (pass.checkpointing && m.recording) bias_table_ = table;
  else pass.bias = biases_by_distance(m, table, pass);
  if (!pass.encoded) return;
  pass.cross_bias = m.allocate({1, heads, queries, pass.encoded->shape[1]}, m.autocast ? m.autocast : pass.encoded->format, "biases of zero");
  pass.cross_bias->layout = Layout::head_major;
  if (!pass.checkpointing) return;
  pass.cross_bias = m.require_gradient(pass.cross_bias);
  pass.cross_bias->layout = Layout::head_major;
}

namespace {

/// Whose parameters a layer has: its own, or those of the first that shares them.
/// Source: [transformers] models/albert/modeling_albert.py AlbertTransformer.forward
int owner_of(const Stack& stack, int first, int layer) {
  return stack.shared_by > 0 ? first + static_cast<int>(std::floor((layer - first) / stack.shared_by)) : layer;
}

}  // namespace

/// The first layer looks up the biases by distance and gives them to the others; when it is run again, so are they.
/// Source: [transformers] models/t5/modeling_t5.py T5Attention.forward, T5Stack.forward
Value EncoderRun::first_with_bias(Machine& m, const DecoderLayer& layer, const Value& x, Pass& pass) {
  Value bias;
  const Value out = m.checkpoint(x, [&layer, pass, table = std::exchange(bias_table_, {}), first = &bias](Machine& on, Value input) {
    Pass own = pass;
    own.bias = biases_by_distance(on, table, pass);
    if (!on.replaying()) *first = own.bias;
    if (on.replaying() && own.cross_bias) {
      const Layout layout = own.cross_bias->layout;
      own.cross_bias = on.allocate(own.cross_bias->shape, own.cross_bias->format, "biases of zero");
      own.cross_bias->layout = layout;
    }
    return decoder_layer(on, layer, std::move(input), own);
  });
  pass.bias = std::move(bias);
  return out;
}

Value EncoderRun::run_layers(Machine& m, const Stack& stack, int first, Value hidden, Pass pass, std::string_view phase, Held* given) {
  m.inside_layers = true;
  const Value embedded = stack.convolution > 0 ? hidden : Value();
  const int end = first + static_cast<int>(stack.layers.size());
  for (const int i : schedule_.layers) {
    if (i < first || i >= end) continue;
    m.begin_layer(owner_of(stack, first, i));
    m.memory.ledger.enter(phase, i);
    const DecoderLayer& layer = stack.layers[static_cast<std::size_t>(i - first)];
    if (bias_table_)
      hidden = first_with_bias(m, layer, hidden, pass);
    else if (pass.checkpointing)
      hidden = m.checkpoint(hidden, [&layer, pass](Machine& on, Value x) { return decoder_layer(on, layer, std::move(x), pass); });
    else
      hidden = decoder_layer(m, layer, hidden, pass);
    if (i == first && stack.convolution > 0) hidden = convolved_beside(m, stack, embedded, hidden);
    if (given) given->push_back(hidden);
    for (const Gap& gap : schedule_.gaps)
      if (gap.after == i) pass_gap(m, gap);
  }
  m.inside_layers = false;
  m.begin_layer(end);
  m.memory.ledger.enter(phase, end);
  return hidden;
}

Value EncoderRun::finish(Machine& m, const Stack& stack, Value hidden) {
  if (stack.final_norm) hidden = normalise(m, "final_norm", *stack.final_norm, hidden);
  return m.dropout(std::move(hidden), stack.final_dropout);
}

Value EncoderRun::encode(Machine& m, Value input, Pass pass, std::string_view phase) {
  const Machine::Scope scope(m, "encoder");
  const Stack& stack = model_.encoder;
  m.begin_layer(-1);
  m.memory.ledger.enter(phase, -1);
  if (model_.convolutions) return convolved(m, input);
  if (model_.staged) return staged(m, input, pass, phase);
  pass.tokens = model_.rows(pass.tokens);
  pass.causal = false;
  Held held;
  const AttentionLayer* turned = rotating(stack);
  if (turned) held.push_back(m.allocate({1, pass.tokens}, int64, "positions"));
  Value hidden = embed(m, stack.input, input, pass, held);
  if (stack.input.projected_inside) held.push_back(hidden);
  if (stack.input.projected) hidden = dense(m, "embeddings_project", hidden, model_.hidden, true);
  if (!stack.input.held && !stack.input.projected_inside) held.push_back(hidden);
  if (stack.causal) pass.mask[0] = attention_mask(m, pass, 0, hidden->format);
  mask_both_ways_in(m, stack, pass, hidden->format);
  if (turned)
    for (std::size_t kind = 0; kind < kinds_of_tables(stack); ++kind) pass.rotary[kind] = rotary_tables(m, *turned, pass.tokens, hidden->format);
  bias_scores(m, stack, pass);
  if (stack.input.masked) prepare_distances(m, stack, model_.hidden, pass);
  return finish(m, stack, run_layers(m, stack, 0, std::move(hidden), pass, phase, stack.all_given ? &held : nullptr));
}

Value EncoderRun::decode(Machine& m, const Value& ids, Pass pass, std::string_view phase) {
  const Machine::Scope scope(m, "decoder");
  const Stack& stack = *model_.decoder;
  m.begin_layer(model_.decoder_start());
  m.memory.ledger.enter(phase, model_.decoder_start());
  Held held;
  Value hidden = embed(m, stack.input, ids, pass, held);
  if (model_.towers) held.push_back(hidden);
  if (!model_.towers || stack.causal) pass.mask[0] = attention_mask(m, pass, 0, hidden->format);
  bias_scores(m, stack, pass);
  return finish(m, stack, run_layers(m, stack, model_.decoder_start() + 1, std::move(hidden), pass, phase));
}

/// Source: [transformers] models/bert/modeling_bert.py BertLMPredictionHead.forward,
/// models/modernbert/modeling_modernbert.py ModernBertPredictionHead.forward
Value EncoderRun::logits(Machine& m, Value hidden) {
  const Head& head = model_.head;
  if (head.transformed) {
    hidden = dense(m, "head.dense", hidden, table_->shape[1], head.transform_bias);
    hidden = activate(m, head.activation, hidden);
    hidden = normalise(m, "head.norm", *head.norm, hidden);
  }
  const Component before = std::exchange(m.made, Component::logits);
  const double vocabulary = table_->shape[0];
  const Value weight = head.tied ? table_ : m.parameter("lm_head.weight", table_->shape);
  const Value bias = head.bias ? m.parameter("lm_head.bias", {vocabulary}) : Value();
  Value scores = m.linear(hidden, weight, bias, "logits");
  m.made = before;
  return scores;
}

/// Source: [transformers] models/t5/modeling_t5.py T5ForConditionalGeneration.forward
Value EncoderRun::scaled(Machine& m, const Value& hidden) { return model_.head.scaled ? m.scale(hidden, "scaled output") : hidden; }

/// Source: [transformers] models/bart/modeling_bart.py BartForConditionalGeneration.forward
Value EncoderRun::biased(Machine& m, Value scores) {
  if (!logits_bias_) return scores;
  const Component before = std::exchange(m.made, Component::logits);
  scores = m.add(scores, logits_bias_);
  m.made = before;
  return scores;
}

/// Source: [transformers] models/bert/modeling_bert.py BertPooler.forward, models/vit/modeling_vit.py
/// ViTForImageClassification.forward
Value EncoderRun::head(Machine& m, Value hidden) {
  const Head& head = model_.head;
  if (head.kind == Head::Kind::none) return hidden;
  if (head.kind == Head::Kind::vocabulary) return logits(m, std::move(hidden));
  if (head.kind == Head::Kind::labels) return labels(m, hidden);
  if (head.kind >= Head::Kind::first_normed) return pooled(m, head, hidden);
  Value first = model_.staged ? mean_of_rows(m, hidden) : model_.convolutions ? m.allocate({hidden->shape[0], hidden->shape[1]}, hidden->format, "mean of all places")
                                          : m.pick(hidden, {hidden->shape[0], hidden->shape[2]});
  if ((model_.convolutions || model_.staged) && head.kind == Head::Kind::pooler) return first;
  if (head.kind == Head::Kind::pooler) return m.tanh(dense(m, "pooler.dense", first, model_.hidden, true));
  /// Source: [transformers] models/dinov2/modeling_dinov2.py Dinov2ForImageClassification.forward
  if (head.mean_beside) {
    const double rest = hidden->shape[1] - 1;
    const Value others = m.pick(hidden, {hidden->shape[0], rest, hidden->shape[2]});
    first = m.cat(first, m.sum_rows(m.view(others, {hidden->shape[0] * rest, hidden->shape[2]}), rest), "first row and mean");
  }
  const Component before = std::exchange(m.made, Component::logits);
  Value scores = dense(m, "classifier", first, head.classes, true);
  m.made = before;
  return scores;
}

std::vector<Value> EncoderRun::buffers(Machine& m) {
  std::vector<Value> held;
  const InputLayer& in = model_.encoder.input;
  for (const double channels : normed_) {
    for (int of = 0; of < 2; ++of) held.push_back(m.allocate({channels}, m.weight_format, "running statistics", Component::workspace));
    held.push_back(m.allocate({1}, int64, "batches seen", Component::workspace));
  }
  if (model_.staged && model_.staged->kind == StagedNet::Kind::windows)
    for (std::size_t i = 0; i < model_.encoder.layers.size(); ++i)
      held.push_back(m.allocate({std::pow(model_.staged->window, 4)}, int64, "places within a window", Component::workspace));
  if (in.places_looked_up) held.push_back(m.allocate({model_.rows(0)}, int64, "positions", Component::workspace));
  for (int half = 0; in.positions_computed && half < 2; ++half)
    held.push_back(m.allocate({in.positions, model_.hidden}, m.weight_format, "position table", Component::workspace));
  if (model_.towers) held.push_back(m.allocate({model_.decoder->input.positions}, int64, "positions", Component::workspace));
  if (in.positions_buffered || in.positions_counted) held.push_back(m.allocate({in.positions}, int64, "positions", Component::workspace));
  if (in.masked) held.push_back(m.allocate({model_.max_positions}, int64, "positions", Component::workspace));
  for (int table = 0; in.types_buffered && table < 2; ++table)
    held.push_back(m.allocate({model_.max_positions}, int64, "positions and token types", Component::workspace));
  if (!in.masked && in.types > 0 && !in.types_anew) held.push_back(m.allocate({in.positions}, int64, "token types", Component::workspace));
  if (const AttentionLayer* a = rotating(model_.encoder))
    for (std::size_t copy = 0; copy < 2 * kinds_of_tables(model_.encoder); ++copy) held.push_back(m.allocate({a->rotary_dim / 2}, fp32, "inverse frequencies", Component::workspace));
  if (model_.head.biased_by_buffer)
    held.push_back(logits_bias_ = m.allocate({1, in.vocabulary}, m.weight_format, "bias of the logits", Component::workspace));
  return held;
}

void EncoderRun::stretch_cache(Machine& m, KvCache& cache, double seen) {
  for (const int i : schedule_.layers) {
    if (i <= model_.decoder_start()) continue;
    m.begin_layer(i);
    cache.stretch(m, seen, 0);
    for (const Gap& gap : schedule_.gaps)
      if (gap.after == i) pass_gap(m, gap);
  }
}

}  // namespace gpumem
