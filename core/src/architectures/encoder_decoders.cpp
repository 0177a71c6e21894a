// Encoders with a decoder that attends to their output.

#include "architectures/common.hpp"
#include "architectures/encoder_architecture.hpp"

namespace gpumem {
namespace {

/// Layers of one half of the model: heads and widths have names of their own there.
std::vector<DecoderLayer> read_half(Fields& c, double hidden, std::string_view half, DecoderLayer layer, double layers, double heads, double width) {
  const auto named = [&](std::string_view what) { return text_of({half, "_", what}); };
  const std::string attention_heads = named("attention_heads"), ffn = named("ffn_dim"), count = named("layers");
  AttentionLayer& a = layer.attention;
  a.heads = a.kv_heads = c.count({attention_heads}, heads, 1, most_heads);
  a.head_dim = std::max(1.0, std::floor(hidden / a.heads));
  if (a.heads * a.head_dim != hidden) c.report(attention_heads, "not-divisible", "must divide d_model");
  layer.mlp.width = c.count({ffn}, width, 1, most_width);
  if (layer.cross) {
    layer.cross = a;
    layer.cross->cross = true;
  }
  return std::vector<DecoderLayer>(static_cast<std::size_t>(c.count({count}, layers, 1, most_layers)), layer);
}

struct Defaults {
  double hidden, layers, heads, width, dropout;
  std::string_view activation = "gelu";
};

/// Both halves alike: Whisper, BART and their kin.
EncoderModel read_halves(Fields& c, DecoderLayer layer, const Defaults& d) {
  layer.mlp.activation = read_activation(c, {"activation_function"}, d.activation);
  layer.mlp.inner_dropout = c.number({"activation_dropout"}, 0, 0, 1);
  layer.dropout = c.number({"dropout"}, d.dropout, 0, 1);
  AttentionLayer& a = layer.attention;
  a.rotary = AttentionLayer::Rotary::none;
  a.softmax_in_fp32 = a.narrowed = false;
  a.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  EncoderModel m;
  m.hidden = c.count({"d_model"}, d.hidden, 1, most_width);
  m.encoder.layers = read_half(c, m.hidden, "encoder", layer, d.layers, d.heads, d.width);
  layer.cross = a;
  m.decoder.emplace();
  m.decoder->layers = read_half(c, m.hidden, "decoder", layer, d.layers, d.heads, d.width);
  m.encoder.input.dropout = m.decoder->input.dropout = layer.dropout;
  m.encoder.input.held = m.decoder->input.held = true;
  m.head.kind = Head::Kind::vocabulary;
  m.head.tied = c.flag({"tie_word_embeddings"}, true);
  return m;
}

EncoderModel bart_like(Fields& c, DecoderLayer::Order order, std::string_view activation = "gelu") {
  DecoderLayer layer = layer_norm_layer();
  layer.order = order;
  EncoderModel m = read_halves(c, layer, {1024, 12, 16, 4096, 0.1, activation});
  m.max_positions = c.count({"max_position_embeddings"}, 1024, 1, most_tokens);
  InputLayer& in = m.encoder.input;
  in.vocabulary = c.count({"vocab_size"}, 50265, 1, most_vocabulary);
  in.positions = m.max_positions + 2;
  in.scaled = true;
  in.norm = NormKind::layer;
  m.decoder->input = in;
  in.positions_for_all = true;
  m.decoder->input.positions_from_mask = true;
  m.head.biased_by_buffer = true;
  return m;
}

/// Gated or not, and by what: "relu", "gated-gelu".
void read_feed_forward(Fields& c, DecoderLayer& layer, std::string_view absent) {
  const std::string name = c.word({"feed_forward_proj"}, absent, {"relu", "gelu", "silu", "gated-gelu", "gated-silu", "gated-relu"});
  const bool gated = name.starts_with("gated-");
  const std::string_view kind = std::string_view(name).substr(gated ? 6 : 0);
  layer.mlp.kind = gated ? MlpLayer::Kind::gated : MlpLayer::Kind::plain;
  layer.mlp.kept_halves = gated;
  // The word "gated-gelu" stands for the variant that is written out in Python.
  if (kind == "gelu") layer.mlp.activation = gated ? Activation::gelu_composed : Activation::gelu;
  else layer.mlp.activation = kind == "silu" ? Activation::silu : Activation::relu;
}

EncoderModel t5_like(Fields& c, std::string_view feed_forward, double vocabulary, double width, double heads, double layers) {
  DecoderLayer layer;
  layer.order = DecoderLayer::Order::sub_layers;
  layer.norm = NormKind::rms_promoted;
  read_feed_forward(c, layer, feed_forward);
  layer.dropout = layer.mlp.inner_dropout = c.number({"dropout_rate"}, 0.1, 0, 1);
  layer.mlp.width = c.count({"d_ff"}, width, 1, most_width);
  AttentionLayer& a = layer.attention;
  a.rotary = AttentionLayer::Rotary::none;
  a.softmax_in_fp32 = a.narrowed = false;
  a.biased_scores = true;
  a.dropout = layer.dropout;
  a.heads = a.kv_heads = c.count({"num_heads"}, heads, 1, most_heads);
  a.head_dim = c.count({"d_kv"}, 64, 1, most_width);
  EncoderModel m;
  m.hidden = c.count({"d_model"}, 512, 1, most_width);
  m.max_positions = c.count({"n_positions", "max_position_embeddings"}, 512, 1, most_tokens);
  Stack& encoder = m.encoder;
  const double count = c.count({"num_layers"}, layers, 1, most_layers);
  encoder.input.vocabulary = c.count({"vocab_size"}, vocabulary, 1, most_vocabulary);
  encoder.input.held = true;
  encoder.input.dropout = encoder.final_dropout = layer.dropout;
  encoder.final_norm = layer.norm;
  encoder.distance_buckets = c.count({"relative_attention_num_buckets"}, 32, 1, most_width);
  encoder.layers.assign(static_cast<std::size_t>(count), layer);
  m.decoder = encoder;
  layer.cross = a;
  layer.cross->cross = true;
  m.decoder->layers.assign(static_cast<std::size_t>(c.count({"num_decoder_layers"}, count, 1, most_layers)), layer);
  m.head.kind = Head::Kind::vocabulary;
  m.head.tied = c.flag({"tie_word_embeddings"}, true);
  return m;
}

}  // namespace

/// Source: [transformers] models/whisper/modeling_whisper.py: keys have no bias
EncoderModel whisper(Fields& c) {
  DecoderLayer layer = layer_norm_layer();
  layer.order = DecoderLayer::Order::inlined_norm_first;
  layer.attention.scaled_query = layer.attention.bare_key = layer.attention.heads_outermost = true;
  EncoderModel m = read_halves(c, layer, {384, 4, 6, 1536, 0});
  m.encoder.final_norm = m.decoder->final_norm = NormKind::layer;
  InputLayer& in = m.encoder.input;
  in.kind = InputLayer::Kind::sound;
  in.bands = c.count({"num_mel_bins"}, 80, 1, most_width);
  in.positions = c.count({"max_source_positions"}, 1500, 1, most_tokens);
  in.frames = 2 * in.positions;
  InputLayer& out = m.decoder->input;
  out.vocabulary = c.count({"vocab_size"}, 51865, 1, most_vocabulary);
  m.max_positions = out.positions = c.count({"max_target_positions"}, 448, 1, most_tokens);
  out.positions_for_all = true;
  return m;
}

/// Source: [transformers] models/bart/modeling_bart.py
EncoderModel bart(Fields& c) { return bart_like(c, DecoderLayer::Order::inlined_norm_last); }

/// Source: [transformers] models/mbart/modeling_mbart.py: BART with its norms first, and one behind each half
EncoderModel mbart(Fields& c) {
  EncoderModel m = bart_like(c, DecoderLayer::Order::inlined_norm_first);
  m.encoder.final_norm = m.decoder->final_norm = NormKind::layer;
  return m;
}

/// mBART with positions from a table that is no longer trained, and no norm behind the embeddings.
/// Source: [transformers] models/pegasus/modeling_pegasus.py PegasusSinusoidalPositionalEmbedding
EncoderModel pegasus(Fields& c) {
  EncoderModel m = mbart(c);
  for (InputLayer* in : {&m.encoder.input, &m.decoder->input}) {
    in->positions = m.max_positions;
    in->positions_fixed = true;
    in->positions_for_all = false;
    in->norm.reset();
  }
  return m;
}

/// The same with a table that is computed and kept beside the weights.
/// Source: [transformers] models/m2m_100/modeling_m2m_100.py M2M100SinusoidalPositionalEmbedding
EncoderModel m2m_100(Fields& c) {
  EncoderModel m = bart_like(c, DecoderLayer::Order::inlined_norm_first, "relu");
  m.encoder.final_norm = m.decoder->final_norm = NormKind::layer;
  for (InputLayer* in : {&m.encoder.input, &m.decoder->input}) {
    in->positions_computed = in->positions_for_all = true;
    in->positions_from_mask = false;
    in->norm.reset();
  }
  m.head.biased_by_buffer = false;
  return m;
}

/// Source: [transformers] models/t5/modeling_t5.py: the first version, whose head is the token table, scales what it reads
EncoderModel t5(Fields& c) {
  EncoderModel m = t5_like(c, "relu", 32128, 2048, 8, 6);
  m.head.scaled = m.head.tied;
  return m;
}

/// Source: [transformers] models/mt5/modeling_mt5.py
EncoderModel mt5(Fields& c) { return t5_like(c, "gated-gelu", 250112, 1024, 6, 8); }

}  // namespace gpumem
