#include "layers/model.hpp"

#include <algorithm>
#include <utility>

#include "layers/attention.hpp"
#include "layers/block.hpp"
#include "layers/dense.hpp"
#include "layers/gaps.hpp"
#include "layers/layer_inputs.hpp"
#include "layers/mixers.hpp"
#include "layers/norms.hpp"
#include "layers/older_attention.hpp"
#include "layers/rotary.hpp"
#include "layers/split_sequence.hpp"
#include "machine/parts.hpp"

namespace gpumem {

std::vector<int> layer_kinds(const Decoder& model) { return layer_kinds(model.layers); }

std::vector<int> layer_kinds(const std::vector<DecoderLayer>& layers) {
  std::vector<int> kinds;
  std::vector<const DecoderLayer*> distinct;
  for (const DecoderLayer& layer : layers) {
    const auto same = std::find_if(distinct.begin(), distinct.end(), [&](const auto* d) { return *d == layer; });
    kinds.push_back(static_cast<int>(same - distinct.begin()));
    if (same == distinct.end()) distinct.push_back(&layer);
  }
  return kinds;
}

namespace {

/// What a layer is given beside the hidden states, cast where layers cast their inputs; a layer that runs again for a
/// checkpoint is given the same.
/// Source: [pytorch-fsdp2] torch/distributed/fsdp/_fully_shard/_fsdp_state.py _cast_forward_inputs;
/// [transformers] modeling_layers.py wraps forward only: the copies of checkpointed layers stay until their backward
Pass given_to_layer(Machine& m, Pass pass) {
  if (!m.input_format) return pass;
  for (RotaryTables& t : pass.rotary) {
    if (t.cos) t.cos = m.cast(std::move(t.cos), m.input_format);
    if (t.sin) t.sin = m.cast(std::move(t.sin), m.input_format);
  }
  return pass;
}

/// Models with windows in some layers and none in others have a rotary table for each kind.
int rotary_kinds(const Decoder& model) { return model.rotary_by_window ? 2 : 1; }

/// A layer that turns queries and keys by their positions, if there is one; all of a kind do it alike.
const AttentionLayer* rotating(const Decoder& model, int kind = 0) {
  const AttentionLayer* found = nullptr;
  for (const DecoderLayer& l : model.layers) {
    if (l.attention.rotary == AttentionLayer::Rotary::none) continue;
    if (!found || (l.attention.window > 0) == (kind > 0)) found = &l.attention;
    if (rotary_kinds(model) == 1 || (l.attention.window > 0) == (kind > 0)) break;
  }
  return found;
}

}  // namespace

ModelRun::ModelRun(const Decoder& model, Schedule schedule) : model_(model), schedule_(std::move(schedule)) {}

/// Source: [transformers] models/gpt2/modeling_gpt2.py GPT2Model.forward, models/opt/modeling_opt.py OPTDecoder.forward
Value ModelRun::embed(Machine& m, const Value& ids, const Pass& pass, Embedded& held) {
  const double width = model_.embedding_width > 0 ? model_.embedding_width : model_.hidden;
  table_ = m.parameter("embed_tokens.weight", {model_.vocabulary, width});
  if (whole_engine && pass.tensor_ranks > 1) held.tokens = embedding_of_split_words(m, ids, table_, pass.tensor_ranks);
  else held.tokens = m.embedding(ids, table_, "token embeddings");
  if (whole_engine) held.tokens = scatter_sequence(m, std::move(held.tokens), pass.tensor_ranks);
  if (pass.checkpointing && m.adaptation) held.tokens = m.require_gradient(std::move(held.tokens));
  if (model_.embedding_scaled) held.tokens = m.scale(std::move(held.tokens), "scaled embeddings");
  if (model_.embedding_multiplied) held.tokens = m.scale(held.tokens, "multiplied embeddings");
  if (whole_engine && model_.fixed_positions > 0) {
    held.positions = m.allocate({1, pass.tokens}, int64, "positions");
    return m.add(held.tokens, m.allocate({1, pass.tokens, model_.hidden}, m.weight_format, "position embeddings"));
  }
  if (model_.learned_positions == 0) return held.tokens;
  const double rows = model_.positions_from_mask ? pass.sequences : 1;
  if (model_.positions_from_mask) held.mask = m.allocate({rows, pass.past + pass.tokens}, fp32, "mask of ones");
  const double counted = model_.positions_from_mask ? pass.past : 0;   // a view of all positions so far
  held.positions = m.view(m.allocate({rows, counted + pass.tokens}, int64, "positions"), {rows, pass.tokens});
  const Value position_table = m.parameter("embed_positions.weight", {model_.learned_positions, model_.hidden});
  held.position_rows = m.embedding(held.positions, position_table, "position embeddings");
  if (width != model_.hidden) {
    held.tokens = dense(m, "project_in", held.tokens, model_.hidden, false);
  }
  return m.add(held.tokens, held.position_rows);
}

Value ModelRun::run_layer(Machine& m, int number, Value hidden, const Pass& given, std::string_view phase) {
  m.begin_layer(number);
  m.memory.ledger.enter(phase, number);
  if (whole_engine && given.layer_inputs) return run_layer(m, number, std::move(hidden), with_input_of_layer(m, model_.layers[static_cast<std::size_t>(number)], given), phase);
  const Pass& pass = given;
  const DecoderLayer& layer = model_.layers[static_cast<std::size_t>(number)];
  if (m.on_forward_layer) m.on_forward_layer(number, true);
  if (pass.checkpointing)   // what is run again holds the table and mask it needs
    hidden = m.checkpoint(hidden, [&layer, own = given_to_layer(m, pass.of(layer.attention.window > 0)), given = pass.returned](Machine& on, Value x) mutable {
      own.returned = std::exchange(given, nullptr);   // the second run gives nothing back
      return decoder_layer(on, layer, std::move(x), own);
    });
  else if (m.input_format)
    hidden = decoder_layer(m, layer, hidden, given_to_layer(m, pass));
  else
    hidden = decoder_layer(m, layer, hidden, pass);
  if (m.on_forward_layer) m.on_forward_layer(number, false);
  return hidden;
}

Value ModelRun::run_together(Machine& m, int first, int last, const Value& hidden, const Pass& pass, std::string_view phase) {
  Pass own = pass;
  own.returned = nullptr;
  m.begin_layer(first);
  return m.checkpoint(hidden, [this, first, last, own, phase](Machine& on, Value x) {
    for (int i = first; i <= last; ++i) {
      on.begin_layer(i);
      if (!on.replaying()) on.memory.ledger.enter(phase, i);
      const DecoderLayer& layer = model_.layers[static_cast<std::size_t>(i)];
      x = own.layer_inputs ? decoder_layer(on, layer, x, with_input_of_layer(on, layer, own)) : decoder_layer(on, layer, x, own);
    }
    return x;
  });
}

Value ModelRun::hidden_states(Machine& m, const Value& ids, Pass& pass, std::string_view phase) {
  m.begin_layer(-1);
  m.memory.ledger.enter(phase, -1);
  Embedded held;
  Value hidden = embed(m, ids, pass, held);
  if (whole_engine && on_embeddings) {
    held.tokens.drop();
    hidden = held.tokens = on_embeddings(m, std::move(hidden));
  }
  const Format* format = hidden->format;
  const DecoderLayer& leading = model_.layers[0];
  std::vector<Value> streams;
  if (whole_engine && leading.own_input > 0) pass.layer_inputs = layer_inputs(m, model_, ids, held.tokens);
  if (model_.embedding_norm) hidden = normalise(m, "embedding_norm", *model_.embedding_norm, hidden);
  const auto attends = [](const DecoderLayer& l) { return l.attention.heads > 0; };
  if (whole_engine && model_.linear_biases) {
    pass.bias = linear_biases(m, pass, model_.layers[0].attention, format, held.positions, held.mask);
  } else if (!held.positions && !positions_given && std::any_of(model_.layers.begin(), model_.layers.end(), attends)) {
    held.positions = m.allocate({1, pass.tokens}, int64, "positions");
  }
  const auto any = [&](bool windowed) {
    return std::find_if(model_.layers.begin(), model_.layers.end(),
                        [&](const DecoderLayer& l) { return l.attention.heads > 0 && (l.attention.window > 0) == windowed; });
  };
  for (const bool windowed : {false, true})
    if (const auto layer = any(windowed); layer != model_.layers.end())
      pass.mask[windowed] = whole_engine ? own_mask(m, layer->attention, pass, format) : attention_mask(m, pass, layer->attention.window, format);
    else if (windowed && model_.window_mask_always)
      pass.mask[windowed] = attention_mask(m, pass, 0, format, true);
  if (whole_engine && both_ways)
    for (const bool windowed : {false, true})
      if (any(windowed) != model_.layers.end()) pass.mask[windowed] = mask_of_images(m, pass, format);
  if (const AttentionLayer* a = rotating(model_))
    for (int kind = 0; kind < rotary_kinds(model_); ++kind)
      pass.rotary[static_cast<std::size_t>(kind)] = rotary_tables(m, *rotating(model_, kind), pass.tokens, format, whole_engine && a->positions_on_grid ? pass.sequences : position_rows);
  hidden = m.dropout(std::move(hidden), model_.embedding_dropout);
  if (whole_engine && leading.streams > 1) hidden = spread(m, leading, held.tokens, streams);
  if (whole_engine && model_.layers.back().attention.keys == AttentionLayer::Keys::borrowed) pass.lent = std::make_shared<LentKeys>();

  Value returned;
  pass.returned = &returned;
  auto gap = schedule_.gaps.begin();
  m.inside_layers = true;
  const std::size_t together = whole_engine && pass.checkpointing ? static_cast<std::size_t>(pass.together) : 1;
  for (std::size_t at = 0; at < schedule_.layers.size(); at += together) {
    const int first = schedule_.layers[at], last = schedule_.layers[std::min(at + together, schedule_.layers.size()) - 1];
    const DecoderLayer& next = model_.layers[static_cast<std::size_t>(first)];
    if (whole_engine && next.attention.keys == AttentionLayer::Keys::borrowed && next.streams == 1) keep_last_tokens(m, pass, hidden);
    if (whole_engine && together > 1) hidden = run_together(m, first, last, hidden, pass, phase);
    else hidden = run_layer(m, first, std::move(hidden), pass, phase);
    if (gap != schedule_.gaps.end() && gap->after == last) pass_gap(m, *gap++);
  }
  m.inside_layers = false;
  pass.returned = nullptr;
  pass.bias.drop();
  m.begin_layer(end_layer());
  m.memory.ledger.enter(phase, end_layer());
  if (whole_engine && leading.streams > 1) hidden = gather_streams(m, leading, hidden, streams);
  if (model_.final_norm) hidden = normalise(m, "norm", *model_.final_norm, hidden);
  if (whole_engine) pass.layer_inputs.drop(), pass.lent.reset();
  const double width = model_.embedding_width > 0 ? model_.embedding_width : model_.hidden;
  if (width != model_.hidden) hidden = dense(m, "project_out", hidden, width, false);
  return hidden;
}

void ModelRun::close_gaps(Machine& m, int from_layer, int to_layer, bool gradients_stay) {
  gpumem::close_gaps(m, schedule_, from_layer, to_layer, gradients_stay);
}

/// Adapters of a task with classes train the whole head, in a copy. Source: [peft] tuners/lora, TaskType.SEQ_CLS
static Value classes_weight(Machine& m, double classes, double width) {
  Value original = m.parameter("score.weight", {classes, width});
  return m.adaptation ? m.parameter("score.modules_to_save.weight", {classes, width}, m.weight_format, true) : original;
}

Value ModelRun::head_weight(Machine& m, double width) {
  if (whole_engine && model_.classes > 0) return classes_weight(m, model_.classes, width);
  const bool saved = m.adaptation && m.adaptation->saves("lm_head");
  if (model_.tied && !saved) return table_;
  Value original;
  if (whole_engine && m.adaptation && m.adaptation->packs_head && !model_.tied)
    original = m.parameter("lm_head.weight", {model_.vocabulary, width}, m.adaptation->packed, false);
  else if (!model_.tied)
    original = m.parameter("lm_head.weight", {model_.vocabulary, width});
  if (!saved) return original;
  return m.parameter("lm_head.modules_to_save.weight", {model_.vocabulary, width}, m.weight_format, true);
}

Value ModelRun::head(Machine& m, Value hidden, const Pass& pass) {
  const Component before = std::exchange(m.made, Component::logits);
  if (pass.last_token_only) hidden = m.view(hidden, {hidden->shape[0], pass.kept_tokens, hidden->shape[2]});
  if (whole_engine) hidden = gather_sequence(m, std::move(hidden), pass.tensor_ranks);
  const Value weight = head_weight(m, hidden->shape[-1]);
  const Value bias = model_.head_bias ? m.parameter("lm_head.bias", {model_.vocabulary}) : Value();
  Value logits = product(m, model_.logits_in_fp32 ? m.cast(hidden, weight->format) : std::move(hidden), weight, bias, "logits");
  if (model_.logits_in_fp32) logits = m.cast(logits, fp32);
  m.made = before;
  return logits;
}

/// Source: [transformers] models/gemma2/modeling_gemma2.py Gemma2ForCausalLM.forward
Value ModelRun::cap(Machine& m, Value logits) {
  if (!model_.final_softcap && !model_.logits_scaled) return logits;
  const Component before = std::exchange(m.made, Component::logits);
  if (model_.logits_scaled) {
    logits = m.scale(logits, "scaled logits");
    m.made = before;
    return logits;
  }
  logits = m.scale(logits, "logits / cap");
  logits = m.tanh(logits);
  logits = m.scale(logits, "capped logits");
  m.made = before;
  return logits;
}

/// Inverse frequencies of the rotary embedding, once in use and once as they were.
/// Source: [transformers] models/llama/modeling_llama.py LlamaRotaryEmbedding.__init__
std::vector<Value> ModelRun::buffers(Machine& m) {
  std::vector<Value> held;
  if (model_.mask_buffer > 0) held.push_back(m.allocate({model_.mask_buffer, model_.mask_buffer}, byte_flag, "causal mask", Component::workspace));
  if (model_.embedding_scaled) held.push_back(m.allocate({1}, fp32, "embedding scale", Component::workspace));
  for (const DecoderLayer& layer : model_.layers)
    if (layer.experts && layer.experts->choice_bias && !layer.experts->bias_is_parameter)
      held.push_back(m.allocate({layer.experts->experts}, fp32, "bias of the choice", Component::workspace));
  for (const DecoderLayer& layer : model_.layers)
    if (const AttentionLayer& own = layer.attention; own.form == AttentionLayer::Form::gptj || own.form == AttentionLayer::Form::codegen)
      held.push_back(m.allocate({own.position_rows, own.rotary_dim}, fp32, "sinusoids", Component::workspace));
    else if (whole_engine && own.form == AttentionLayer::Form::gpt_neo)
      held.push_back(m.allocate({own.position_rows, own.position_rows}, byte_flag, "causal mask", Component::workspace));
    else if (const auto& l = layer.mixer; l && l->scaled)
      held.push_back(m.allocate({2 * (l->width + l->groups * l->state) + l->heads}, m.weight_format, "multipliers", Component::workspace));
    else if (whole_engine && l && l->kind == MixerLayer::Kind::lightning)
      for (Value& one : lightning_buffers(m, *l)) held.push_back(std::move(one));
    else if (l && l->normed_parts && !l->weighted_parts)
      for (const double width : {l->width, l->state, l->state})
        held.push_back(m.allocate({width}, m.weight_format, "weights of norms, unused", Component::workspace));
  if (whole_engine)
    for (const DecoderLayer& layer : model_.layers)
      if (layer.scaled_at_end) held.push_back(m.allocate({1}, m.weight_format, "factor of a layer", Component::workspace));
  if (whole_engine && model_.fixed_positions > 0) held.push_back(m.allocate({model_.fixed_positions, model_.hidden}, m.weight_format, "position table", Component::workspace));
  if (whole_engine) stream_buffers(m, model_, held);
  const AttentionLayer* a = rotating(model_);
  if (!a) return held;
  for (int copy = 0; copy < 2 * rotary_kinds(model_); ++copy)
    held.push_back(m.allocate({rotating(model_, copy / 2)->rotary_dim / 2}, fp32, "inverse frequencies", Component::workspace));
  return held;
}

void ModelRun::stretch_cache(Machine& m, KvCache& cache, double seen) {
  auto gap = schedule_.gaps.begin();
  for (const int i : schedule_.layers) {
    m.begin_layer(i);
    cache.stretch(m, seen, model_.layers[static_cast<std::size_t>(i)].attention.window);
    if (gap != schedule_.gaps.end() && gap->after == i) pass_gap(m, *gap++);
  }
}

}  // namespace gpumem
