// Encoders whose attention also compares contents with distances.

#include <algorithm>

#include "architectures/common.hpp"
#include "architectures/encoder_architecture.hpp"

namespace gpumem {
namespace {

/// "c2p|p2c", or a list of the two words.
bool compares(Fields& c, std::string_view what) {
  const Document* given = c.value({"pos_att_type"});
  if (!given) return false;
  if (given->is(Document::Kind::text)) return given->text().find(what) != std::string::npos;
  if (!given->is(Document::Kind::list)) return false;
  return std::any_of(given->items().begin(), given->items().end(), [&](const Document& d) { return d.is(Document::Kind::text) && d.text() == what; });
}

struct Relative {
  double span = 0, rows = 0;
};

/// Source: [transformers] models/deberta_v2/modeling_deberta_v2.py DebertaV2Encoder.__init__
Relative read_relative(Fields& c, double positions) {
  double span = c.number({"max_relative_positions"}, -1, -1, most_tokens);
  if (span < 1) span = positions;
  const double buckets = c.number({"position_buckets"}, -1, -1, most_tokens);
  if (buckets > 0) span = buckets;
  if (!c.flag({"relative_attention"}, false)) return {};
  return {span, 2 * span};
}

EncoderModel read_disentangled(Fields& c, NormKind norm, double vocabulary, double hidden, double width, double layers, double heads) {
  EncoderModel m;
  m.hidden = c.count({"hidden_size"}, hidden, 1, most_width);
  m.max_positions = c.count({"max_position_embeddings"}, 512, 1, most_tokens);
  const Relative relative = read_relative(c, m.max_positions);
  DecoderLayer layer = layer_norm_layer();
  layer.norm = norm;
  layer.order = DecoderLayer::Order::modules_norm_last;
  layer.dropout = c.number({"hidden_dropout_prob"}, 0.1, 0, 1);
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "gelu");
  layer.mlp.kept_inner = true;
  layer.mlp.width = c.count({"intermediate_size"}, width, 1, most_width);
  AttentionLayer& a = layer.attention;
  a.form = AttentionLayer::Form::disentangled;
  a.rotary = AttentionLayer::Rotary::none;
  a.dropout = c.number({"attention_probs_dropout_prob"}, 0.1, 0, 1);
  a.heads = a.kv_heads = c.count({"num_attention_heads"}, heads, 1, most_heads);
  a.head_dim = std::max(1.0, std::floor(m.hidden / a.heads));
  if (a.heads * a.head_dim != m.hidden) c.report("num_attention_heads", "not-divisible", "must divide hidden_size");
  DistanceScores& d = a.distances.emplace();
  d.span = relative.span;
  d.dropout = layer.dropout;
  d.to_distance = relative.rows > 0 && compares(c, "c2p");
  d.from_distance = relative.rows > 0 && compares(c, "p2c");
  d.shared = c.flag({"share_att_key"}, false) && relative.rows > 0;
  m.encoder.distance_rows = relative.rows;
  m.encoder.all_given = true;
  m.encoder.layers.assign(static_cast<std::size_t>(c.count({"num_hidden_layers"}, layers, 1, most_layers)), layer);
  InputLayer& in = m.encoder.input;
  in.masked = true;
  in.vocabulary = c.count({"vocab_size"}, vocabulary, 1, most_vocabulary);
  in.positions = c.flag({"position_biased_input"}, true) ? m.max_positions : 0;
  in.types = c.count({"type_vocab_size"}, 0, 0, most_vocabulary);
  in.width = c.count({"embedding_size"}, m.hidden, 1, most_width);
  in.norm = norm;
  in.dropout = layer.dropout;
  return m;
}

/// The head for masked words, or one for classes behind a pooler with dropouts of its own.
/// Source: [transformers] models/deberta_v2/modeling_deberta_v2.py LegacyDebertaV2LMPredictionHead, DebertaV2LMPredictionHead,
/// ContextPooler, DebertaV2ForSequenceClassification
void read_head(Fields& c, EncoderModel& m) {
  const bool legacy = c.flag({"legacy"}, true);
  if (made_for(c, "ForMaskedLM")) {
    m.head.kind = Head::Kind::vocabulary;
    m.head.transformed = m.head.bias = true;
    m.head.activation = m.encoder.layers.front().mlp.activation;
    m.head.norm = NormKind::layer;
    m.head.tied = !legacy || c.flag({"tie_word_embeddings"}, true);
  }
  LabelHead head;
  head.dense = !made_for(c, "ForTokenClassification");
  const std::string by = c.word({"pooler_hidden_act"}, "gelu", {"gelu", "tanh", "relu"});
  head.by = by == "gelu" ? LabelHead::By::gelu : by == "tanh" ? LabelHead::By::tanh : LabelHead::By::relu;
  const double usual = m.encoder.input.dropout;
  if (head.dense) {
    head.first_dropout = c.number({"pooler_dropout"}, 0, 0, 1);
    head.last_dropout = c.number({"cls_dropout"}, usual, 0, 1);
  } else {
    head.first_dropout = usual;
  }
  const double pooled = c.count({"pooler_hidden_size"}, m.hidden, 1, most_width);
  if (pooled != m.hidden) c.report("pooler_hidden_size", "contradiction", "must be hidden_size: the pooler reads a row of it");
  give_labels(c, m, head);
}

}  // namespace

/// Source: [transformers] models/deberta_v2/modeling_deberta_v2.py
EncoderModel deberta_v2(Fields& c) {
  EncoderModel m = read_disentangled(c, NormKind::layer, 128100, 1536, 6144, 24, 24);
  m.encoder.distances_normed = m.encoder.distance_rows > 0 && c.text({"norm_rel_ebd"}, "none").find("layer_norm") != std::string::npos;
  m.encoder.convolution = c.number({"conv_kernel_size"}, 0, 0, most_width);
  m.encoder.convolution_groups = c.count({"conv_groups"}, 1, 1, most_width);
  read_head(c, m);
  return m;
}

/// Source: [transformers] models/deberta/modeling_deberta.py
EncoderModel deberta(Fields& c) {
  EncoderModel m = read_disentangled(c, NormKind::layer_divided, 50265, 768, 3072, 12, 12);
  for (DecoderLayer& l : m.encoder.layers) {
    l.attention.distances->joint = true;
    l.attention.distances->shared = false;
  }
  if (c.flag({"talking_head"}, false)) c.report("talking_head", "unsupported", "heads that are mixed are not computed yet");
  read_head(c, m);
  return m;
}

}  // namespace gpumem
