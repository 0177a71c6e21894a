// What an encoder or its decoder reads becomes rows of hidden states.

#include "layers/encoder_run.hpp"
#include "layers/norms.hpp"

namespace gpumem {

/// The same table serves an encoder, its decoder and the head.
Value EncoderRun::token_table(Machine& m, const InputLayer& in) {
  const bool shared = model_.decoder && model_.reads_tokens();
  if (shared && &in == &model_.decoder->input) return table_;
  table_ = m.parameter("embed_tokens.weight", {in.vocabulary, model_.width(in)});
  return table_;
}

/// Source: [transformers] models/bert/modeling_bert.py BertEmbeddings.forward, models/roberta/modeling_roberta.py
/// create_position_ids_from_input_ids, models/bart/modeling_bart.py BartEncoder.forward, BartDecoder.forward,
/// models/whisper/modeling_whisper.py WhisperDecoder.forward
Value EncoderRun::embed_tokens(Machine& m, const InputLayer& in, const Value& ids, const Pass& pass, Held& held) {
  const double sequences = ids->shape[0], length = ids->shape[1];
  Value positions;
  if (in.positions_counted) {
    Value mask = m.allocate({sequences, length}, int64, "ids that are no padding");
    mask = m.allocate({sequences, length}, int64, "positions, counted");
    positions = m.allocate({sequences, length}, int64, "positions");
  }
  Value types;
  if (in.types > 0) types = m.view(m.allocate({in.positions_counted || in.types_anew ? sequences : 1, length}, int64, "token types"), {sequences, length});
  Value hidden = m.embedding(ids, token_table(m, in), "token embeddings");
  if (pass.checkpointing && m.adaptation) hidden = m.require_gradient(std::move(hidden));
  if (in.scaled) hidden = m.scale(std::move(hidden), "scaled embeddings");
  if (in.held) held.push_back(hidden);
  if (types) hidden = m.add(hidden, m.embedding(types, m.parameter("token_type_embeddings.weight", {in.types, model_.width(in)}), "type embeddings"));
  if (in.positions > 0) {
    const double rows = in.positions_for_all || in.positions_counted ? sequences : 1;
    if (in.positions_from_mask) held.push_back(m.allocate({sequences, pass.past + length}, fp32, "mask of ones"));
    if (in.positions_buffered) positions = m.memory.describe({rows, length}, int64);
    if (!positions) positions = m.allocate({rows, length}, int64, "positions");
    if (in.held) held.push_back(positions);
    const Value table = in.positions_computed ? Value() : m.parameter("embed_positions.weight", {in.positions, model_.width(in)}, m.weight_format, m.trainable && !in.positions_fixed);
    Value places = table ? m.embedding(positions, table, "position embeddings") : m.allocate({rows, length, model_.width(in)}, m.weight_format, "position embeddings");
    if (in.held) held.push_back(places);
    hidden = m.add(hidden, std::move(places));
  }
  if (in.norm) hidden = normalise(m, "embeddings.LayerNorm", *in.norm, hidden);
  return m.dropout(std::move(hidden), in.dropout);
}

/// A convolution as wide as its step makes a row of each patch; one more row may stand for the whole.
/// Source: [transformers] models/vit/modeling_vit.py ViTEmbeddings.forward, models/clip/modeling_clip.py
/// CLIPVisionEmbeddings.forward, models/siglip/modeling_siglip.py SiglipVisionEmbeddings.forward
Value embed_patches(Machine& m, const InputLayer& in, double h, const Value& pixels) {
  const double b = pixels->shape[0], patches = std::floor(in.side / in.patch) * std::floor(in.side / in.patch);
  const double count = patches + in.whole;
  const Value whole = in.whole ? m.parameter("cls_token", {1, 1, h}) : Value();
  if (in.mask_row) m.parameter("mask_token", {1, h});
  const Value places = m.parameter("position_embeddings", in.places_looked_up ? Shape{count, h} : Shape{1, count, h});
  const Value weight = m.parameter("projection.weight", {h, in.channels, in.patch, in.patch});
  const Value bias = in.patch_bias ? m.parameter("projection.bias", {h}) : Value();
  Value made = m.convolve(pixels, weight, bias, {b, h, patches}, "patches");
  if (in.asks_gradient) made = m.require_gradient(std::move(made));
  Value rows = m.view(made, {b, patches, h});
  made.drop();
  rows->layout = Layout::head_major;
  if (!in.places_looked_up) {
    rows = m.prepend(whole, rows, "patches and the whole");
    rows = m.add(rows, places);
  } else {
    const Value patch_rows = rows;   // held until the rows are there
    if (in.whole) rows = m.prepend(whole, rows, "patches and the whole");
    rows = m.add(rows, m.embedding(m.memory.describe({1, count}, int64), places, "position embeddings"));
  }
  if (in.norm) rows = normalise(m, "pre_norm", *in.norm, rows);
  return m.dropout(std::move(rows), in.dropout);
}

/// Source: [transformers] models/whisper/modeling_whisper.py WhisperEncoder.forward
Value EncoderRun::embed_sound(Machine& m, const InputLayer& in, const Value& features, Held& held) {
  const double b = features->shape[0], h = model_.hidden, length = in.frames / 2;
  const auto convolved = [&](const char* name, Value x, double frames) {
    const Machine::Scope scope(m, name);
    const Value weight = m.parameter("weight", {h, x->shape[1], 3});
    const Value bias = m.parameter("bias", {h});
    return m.gelu(m.convolve(std::move(x), weight, bias, {b, h, frames}, "convolution"));
  };
  Value rows = convolved("conv1", features, in.frames);
  rows = convolved("conv2", rows, length);
  rows = m.view(rows, {b, length, h});
  rows->layout = Layout::head_major;
  held.push_back(rows);
  held.push_back(m.allocate({length}, int64, "positions"));
  const Value table = m.parameter("embed_positions.weight", {in.positions, h}, m.weight_format, false);
  rows = m.add(rows, m.embedding(held.back(), table, "position embeddings"));
  return m.dropout(std::move(rows), in.dropout);
}

Value EncoderRun::embed(Machine& m, const InputLayer& in, const Value& input, const Pass& pass, Held& held) {
  const Machine::Scope scope(m, "embeddings");
  switch (in.kind) {
    case InputLayer::Kind::image: return embed_patches(m, in, model_.width(in), input);
    case InputLayer::Kind::sound: return embed_sound(m, in, input, held);
    case InputLayer::Kind::wave: return embed_wave(m, input, pass, held);
    case InputLayer::Kind::text: break;
  }
  if (in.masked) return embed_masked(m, in, input, held);
  return embed_tokens(m, in, input, pass, held);
}

}  // namespace gpumem
