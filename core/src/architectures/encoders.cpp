// Encoders of text and of images.

#include <cmath>

#include "architectures/common.hpp"
#include "architectures/encoder_architecture.hpp"

namespace gpumem {
namespace {

struct Defaults {
  double hidden = 768, width = 3072, layers = 12, heads = 12, vocabulary = 30522, positions = 512;
};

/// Sizes of a stack of equal layers; names of fields as the family has them.
void read_sizes(Fields& c, EncoderModel& m, DecoderLayer layer, const Defaults& d) {
  m.hidden = c.count({"hidden_size", "dim"}, d.hidden, 1, most_width);
  layer.mlp.width = c.count({"intermediate_size", "hidden_dim"}, d.width, 1, most_width);
  AttentionLayer& a = layer.attention;
  a.heads = a.kv_heads = c.count({"num_attention_heads", "n_heads"}, d.heads, 1, most_heads);
  a.head_dim = a.rotary_dim = std::max(1.0, std::floor(m.hidden / a.heads));
  if (a.heads * a.head_dim != m.hidden) c.report("num_attention_heads", "not-divisible", "must divide hidden_size");
  const double layers = c.count({"num_hidden_layers", "n_layers"}, d.layers, 1, most_layers);
  m.encoder.layers.assign(static_cast<std::size_t>(layers), layer);
}

void read_tokens(Fields& c, EncoderModel& m, const Defaults& d) {
  m.encoder.input.vocabulary = c.count({"vocab_size"}, d.vocabulary, 1, most_vocabulary);
  m.max_positions = c.count({"max_position_embeddings"}, d.positions, 1, most_tokens);
}

DecoderLayer plain_layer(NormKind norm, DecoderLayer::Order order) {
  DecoderLayer layer = layer_norm_layer();
  layer.norm = norm;
  layer.order = order;
  layer.attention.rotary = AttentionLayer::Rotary::none;
  return layer;
}

void masked_language_head(Fields& c, EncoderModel& m, Activation activation) {
  m.head.kind = Head::Kind::vocabulary;
  m.head.transformed = m.head.bias = true;
  m.head.activation = activation;
  m.head.norm = NormKind::layer;
  m.head.tied = c.flag({"tie_word_embeddings"}, true);
}

EncoderModel bert_like(Fields& c, const Defaults& sizes = {}) {
  DecoderLayer layer = plain_layer(NormKind::layer, DecoderLayer::Order::modules_norm_last);
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "gelu");
  layer.mlp.kept_inner = true;
  layer.attention.kept_context = true;
  layer.attention.softmax_in_fp32 = layer.attention.narrowed = false;
  layer.attention.dropout = c.number({"attention_probs_dropout_prob"}, 0.1, 0, 1);
  layer.dropout = c.number({"hidden_dropout_prob"}, 0.1, 0, 1);
  EncoderModel m;
  read_sizes(c, m, layer, sizes);
  read_tokens(c, m, sizes);
  InputLayer& in = m.encoder.input;
  in.positions = m.max_positions;
  in.types = c.count({"type_vocab_size"}, 2, 0, most_vocabulary);
  in.norm = NormKind::layer;
  in.dropout = layer.dropout;
  if (made_for(c, "ForMaskedLM")) masked_language_head(c, m, layer.mlp.activation);
  else m.head.kind = Head::Kind::pooler;
  return m;
}

/// Source: [transformers] models/bert/configuration_bert.py classifier_dropout
double read_classifier_dropout(Fields& c, double absent) { return c.number({"classifier_dropout"}, absent, 0, 1); }

/// A dense layer and its activation stand before the classes; those of tokens are read off the rows themselves.
void dense_labels(Fields& c, EncoderModel& m, LabelHead::By by) {
  LabelHead head;
  head.dense = !made_for(c, "ForTokenClassification");
  head.by = by;
  head.first_dropout = head.last_dropout = read_classifier_dropout(c, m.encoder.input.dropout);
  give_labels(c, m, head);
}

}  // namespace

/// Source: [transformers] models/bert/modeling_bert.py
EncoderModel bert(Fields& c) {
  EncoderModel m = bert_like(c);
  m.encoder.input.positions_buffered = true;
  LabelHead head;
  head.pooled = true;
  head.first_dropout = read_classifier_dropout(c, m.encoder.input.dropout);
  give_labels(c, m, head);
  return m;
}

/// Source: [transformers] models/roberta/modeling_roberta.py: positions begin behind the padding's
EncoderModel roberta(Fields& c) {
  EncoderModel m = bert_like(c);
  m.encoder.input.positions_counted = true;
  m.head.activation = Activation::gelu;   // whatever hidden_act says
  dense_labels(c, m, LabelHead::By::tanh);
  return m;
}

/// Source: [transformers] models/mpnet/modeling_mpnet.py: scores get a bias by distance; the code that attends is its own
EncoderModel mpnet(Fields& c) {
  EncoderModel m = bert_like(c, {.vocabulary = 30527});
  m.encoder.input.types = 0;
  m.encoder.input.positions_counted = true;
  m.encoder.distance_buckets = c.count({"relative_attention_num_buckets"}, 32, 1, most_width);
  for (DecoderLayer& l : m.encoder.layers) l.attention.biased_scores = true, l.attention.kept_context = false;
  dense_labels(c, m, LabelHead::By::tanh);
  return m;
}

/// Source: [transformers] models/distilbert/modeling_distilbert.py
EncoderModel distilbert(Fields& c) {
  DecoderLayer layer = plain_layer(NormKind::layer, DecoderLayer::Order::modules_norm_last);
  layer.mlp.activation = read_activation(c, {"activation"}, "gelu");
  layer.mlp.dropout = c.number({"dropout"}, 0.1, 0, 1);
  layer.attention.softmax_in_fp32 = layer.attention.narrowed = false;
  layer.attention.dropout = c.number({"attention_dropout"}, 0.1, 0, 1);
  EncoderModel m;
  read_sizes(c, m, layer, {.layers = 6});
  read_tokens(c, m, {});
  InputLayer& in = m.encoder.input;
  in.positions = m.max_positions;
  in.positions_buffered = true;
  in.norm = NormKind::layer;
  in.dropout = layer.mlp.dropout;
  if (made_for(c, "ForMaskedLM")) masked_language_head(c, m, layer.mlp.activation);
  const bool each = made_for(c, "ForTokenClassification");
  LabelHead head;
  head.dense = !each;
  head.by = LabelHead::By::relu;
  head.last_dropout = c.number({"seq_classif_dropout"}, 0.2, 0, 1);
  if (each) head.first_dropout = in.dropout;
  give_labels(c, m, head);
  return m;
}

/// Source: [transformers] models/modernbert/modeling_modernbert.py: one layer in three sees everything
EncoderModel modernbert(Fields& c) {
  const NormKind norm = c.flag({"norm_bias"}, false) ? NormKind::layer : NormKind::layer_unbiased;
  DecoderLayer layer = plain_layer(norm, DecoderLayer::Order::kept_output);
  layer.mlp.kind = MlpLayer::Kind::gated_fused;
  layer.mlp.activation = read_activation(c, {"hidden_activation"}, "gelu");
  layer.mlp.bias = c.flag({"mlp_bias"}, false);
  layer.mlp.inner_dropout = c.number({"mlp_dropout"}, 0, 0, 1);
  AttentionLayer& a = layer.attention;
  a.projection = AttentionLayer::Projection::split;
  a.rotary = AttentionLayer::Rotary::whole;
  a.rotary_format = AttentionLayer::RotaryFormat::wide_by_operand;
  a.input_bias = a.output_bias = c.flag({"attention_bias"}, false);
  a.dropout = a.output_dropout = c.number({"attention_dropout"}, 0, 0, 1);
  EncoderModel m;
  read_sizes(c, m, layer, {.width = 1152, .layers = 22});
  read_tokens(c, m, {.vocabulary = 50368, .positions = 8192});
  const double window = c.count({"local_attention"}, 128, 1, most_tokens);
  const double pattern = c.count({"global_attn_every_n_layers"}, 3, 1, most_layers);
  m.encoder.reach = std::floor(window / 2);
  const Document* types = c.value({"layer_types"});
  for (std::size_t i = 0; i < m.encoder.layers.size(); ++i) {
    const bool listed = types && types->is(Document::Kind::list) && types->items().size() == m.encoder.layers.size();
    const bool local = listed ? types->items()[i].text() == "sliding_attention" : std::fmod(static_cast<double>(i), pattern) != 0;
    m.encoder.layers[i].attention.window = local ? m.encoder.reach : 0;
  }
  m.encoder.layers.front().first_norm = false;
  m.encoder.input.norm = m.encoder.final_norm = norm;
  m.encoder.input.dropout = c.number({"embedding_dropout"}, 0, 0, 1);
  const Activation act = read_activation(c, {"classifier_activation"}, "gelu");
  LabelHead labels;
  labels.row = c.word({"classifier_pooling"}, "cls", {"cls", "mean"}) == "mean" ? LabelHead::Row::mean : LabelHead::Row::first;
  labels.dense = true;
  labels.dense_bias = c.flag({"classifier_bias"}, false);
  labels.by = act == Activation::relu ? LabelHead::By::relu : LabelHead::By::gelu;
  labels.norm = norm;
  labels.last_dropout = read_classifier_dropout(c, 0);
  if (!give_labels(c, m, labels) && !made_for(c, "Model")) {
    masked_language_head(c, m, act);
    m.head.norm = norm;
    m.head.transform_bias = c.flag({"classifier_bias"}, false);
    m.head.bias = c.flag({"decoder_bias"}, true);
    m.head.widened = true;
  }
  return m;
}

namespace {

void read_images(Fields& c, EncoderModel& m, double side, double patch) {
  InputLayer& in = m.encoder.input;
  in.kind = InputLayer::Kind::image;
  in.side = c.count({"image_size"}, side, 1, most_width);
  in.patch = c.count({"patch_size"}, patch, 1, most_width);
  in.channels = c.count({"num_channels"}, 3, 1, most_width);
  if (in.patch > in.side) c.report("patch_size", "contradiction", "cannot be larger than image_size");
  m.encoder.final_norm = NormKind::layer;
  m.max_positions = m.rows(0);
  m.head.classes = count_labels(c);
}

}  // namespace

/// Source: [transformers] models/vit/modeling_vit.py
EncoderModel vit(Fields& c) {
  DecoderLayer layer = plain_layer(NormKind::layer, DecoderLayer::Order::sequential);
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "gelu");
  layer.attention.input_bias = c.flag({"qkv_bias"}, true);
  layer.attention.dropout = c.number({"attention_probs_dropout_prob"}, 0, 0, 1);
  layer.dropout = c.number({"hidden_dropout_prob"}, 0, 0, 1);
  EncoderModel m;
  read_sizes(c, m, layer, {});
  read_images(c, m, 224, 16);
  m.encoder.input.dropout = layer.dropout;
  m.head.kind = made_for(c, "ForImageClassification") ? Head::Kind::classes : Head::Kind::pooler;
  return m;
}

/// Gated parts are two thirds as wide, rounded up to a multiple of 8.
/// Source: [transformers] models/dinov2/modeling_dinov2.py Dinov2Layer, Dinov2SwiGLUFFN, Dinov2Embeddings
EncoderModel dinov2(Fields& c) {
  DecoderLayer layer = plain_layer(NormKind::layer, DecoderLayer::Order::sequential);
  layer.scaled_by_column = true;
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "gelu");
  layer.attention.input_bias = c.flag({"qkv_bias"}, true);
  layer.attention.softmax_in_fp32 = layer.attention.narrowed = false;
  layer.attention.dropout = c.number({"attention_probs_dropout_prob"}, 0, 0, 1);
  EncoderModel m;
  read_sizes(c, m, layer, {});
  double width = std::floor(m.hidden * c.number({"mlp_ratio"}, 4, 0.01, 1024));
  const bool gated = c.flag({"use_swiglu_ffn"}, false);
  if (gated) width = std::ceil(std::floor(width * 2 / 3) / 8) * 8;
  for (DecoderLayer& l : m.encoder.layers) {
    l.mlp.width = width;
    if (gated) l.mlp.kind = MlpLayer::Kind::gated, l.mlp.activation = Activation::silu;
  }
  read_images(c, m, 224, 14);
  m.encoder.input.mask_row = c.flag({"use_mask_token"}, true);
  m.encoder.input.dropout = c.number({"hidden_dropout_prob"}, 0, 0, 1);
  m.head.kind = made_for(c, "ForImageClassification") ? Head::Kind::classes : Head::Kind::none;
  m.head.mean_beside = true;
  return m;
}

/// BERT's layers behind embeddings of a width of their own.
/// Source: [transformers] models/electra/modeling_electra.py ElectraModel.forward, ElectraGeneratorPredictions.forward,
/// ElectraDiscriminatorPredictions.forward
EncoderModel electra(Fields& c) {
  EncoderModel m = bert_like(c, {.hidden = 256, .width = 1024, .heads = 4});
  InputLayer& in = m.encoder.input;
  in.positions_buffered = true;
  in.width = c.count({"embedding_size"}, 128, 1, most_width);
  in.projected = in.width != m.hidden;
  m.head.activation = Activation::gelu;
  if (m.head.kind == Head::Kind::pooler) m.head.kind = Head::Kind::none;
  dense_labels(c, m, LabelHead::By::gelu);
  if (made_for(c, "ForPreTraining")) {   // whether a token was replaced
    m.head = {};
    m.head.kind = Head::Kind::labels;
    m.head.classes = 1;
    m.head.labels.row = LabelHead::Row::each;
    m.head.labels.dense = true;
    m.head.labels.by = LabelHead::By::gelu;
  }
  return m;
}

}  // namespace gpumem
