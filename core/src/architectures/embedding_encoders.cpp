// Encoders of text whose layers share weights, or turn queries and keys.

#include <algorithm>
#include <cmath>

#include "architectures/common.hpp"
#include "architectures/encoder_architecture.hpp"

namespace gpumem {
namespace {

/// A layer of its own before the vocabulary, as BERT's.
void masked_head(Fields& c, EncoderModel& m, Activation activation) {
  m.head.kind = Head::Kind::vocabulary;
  m.head.transformed = m.head.bias = true;
  m.head.norm = NormKind::layer;
  m.head.activation = activation;
  m.head.tied = c.flag({"tie_word_embeddings"}, true);
}

struct Defaults {
  double vocabulary, positions, types;
  double dropout = 0;
  std::string_view activation = "gelu";
};

/// norm(x + attention(x)), norm(x + mlp(x)) with a gated MLP and rotary positions; the head for masked words is BERT's.
EncoderModel turned(Fields& c, const Defaults& d) {
  EncoderModel m;
  m.hidden = c.count({"hidden_size"}, 768, 1, most_width);
  m.max_positions = c.count({"max_position_embeddings"}, d.positions, 1, most_tokens);
  DecoderLayer layer;
  layer.norm = NormKind::layer;
  layer.order = DecoderLayer::Order::norm_last_kept;
  layer.dropout = c.number({"hidden_dropout_prob"}, d.dropout, 0, 1);
  layer.mlp.activation = read_activation(c, {"hidden_act"}, d.activation);
  layer.mlp.width = c.count({"intermediate_size"}, 3072, 1, most_width);
  AttentionLayer& a = layer.attention;
  a.softmax_in_fp32 = a.narrowed = false;
  a.dropout = c.number({"attention_probs_dropout_prob"}, 0, 0, 1);
  a.heads = a.kv_heads = c.count({"num_attention_heads"}, 12, 1, most_heads);
  a.head_dim = a.rotary_dim = c.count({"head_dim"}, std::max(1.0, std::floor(m.hidden / a.heads)), 1, most_width);
  m.encoder.layers.assign(static_cast<std::size_t>(c.count({"num_hidden_layers"}, 12, 1, most_layers)), layer);
  InputLayer& in = m.encoder.input;
  in.vocabulary = c.count({"vocab_size"}, d.vocabulary, 1, most_vocabulary);
  in.types = c.count({"type_vocab_size"}, d.types, 0, most_vocabulary);
  in.types_anew = true;
  in.norm = NormKind::layer;
  in.dropout = layer.dropout;
  if (made_for(c, "ForMaskedLM")) masked_head(c, m, layer.mlp.activation);
  LabelHead head;
  head.pooled = true;
  head.first_dropout = c.number({"classifier_dropout"}, layer.dropout, 0, 1);
  give_labels(c, m, head);
  return m;
}

}  // namespace

/// Source: [transformers] models/gte/modeling_gte.py
EncoderModel gte(Fields& c) {
  EncoderModel m = turned(c, {250048, 8192, 1, 0.1});
  m.head.activation = Activation::gelu;
  for (DecoderLayer& l : m.encoder.layers) {
    l.attention.input_bias = l.attention.output_bias = true;
    l.mlp.output_bias = true;
    l.mlp.inner_dropout = l.dropout;
  }
  return m;
}

/// Source: [transformers] models/nomic_bert/modeling_nomic_bert.py
EncoderModel nomic_bert(Fields& c) {
  EncoderModel m = turned(c, {30528, 2048, 2, 0, "silu"});
  m.encoder.input.types_buffered = true;
  return m;
}

/// A decoder's layers with every token seen by every other, and a head without a layer of its own.
/// Source: [transformers] models/eurobert/modeling_eurobert.py EuroBertDecoderLayer.forward, EuroBertForMaskedLM.forward
EncoderModel eurobert(Fields& c) {
  EncoderModel m;
  m.hidden = c.count({"hidden_size"}, 768, 1, most_width);
  m.max_positions = c.count({"max_position_embeddings"}, 8192, 1, most_tokens);
  DecoderLayer layer = gated_layer(c);
  layer.mlp.width = c.count({"intermediate_size"}, 3072, 1, most_width);
  AttentionLayer& a = layer.attention;
  a.heads = c.count({"num_attention_heads"}, 12, 1, most_heads);
  a.kv_heads = c.count({"num_key_value_heads"}, a.heads, 1, most_heads);
  a.head_dim = a.rotary_dim = c.count({"head_dim"}, std::max(1.0, std::floor(m.hidden / a.heads)), 1, most_width);
  if (std::fmod(a.heads, a.kv_heads) != 0) c.report("num_key_value_heads", "not-divisible", "must divide num_attention_heads");
  m.encoder.layers.assign(static_cast<std::size_t>(c.count({"num_hidden_layers"}, 12, 1, most_layers)), layer);
  m.encoder.final_norm = NormKind::rms;
  m.encoder.input.vocabulary = c.count({"vocab_size"}, 128256, 1, most_vocabulary);
  if (!made_for(c, "ForMaskedLM")) return m;
  m.head.kind = Head::Kind::vocabulary;
  m.head.bias = c.flag({"mlp_bias"}, false);
  m.head.tied = c.flag({"tie_word_embeddings"}, false);
  m.head.widened = true;
  return m;
}

/// BERT's layers, a few sets of weights for all of them.
/// Source: [transformers] models/albert/modeling_albert.py AlbertLayer.forward, AlbertTransformer.forward
EncoderModel albert(Fields& c) {
  EncoderModel m;
  m.hidden = c.count({"hidden_size"}, 4096, 1, most_width);
  m.max_positions = c.count({"max_position_embeddings"}, 512, 1, most_tokens);
  DecoderLayer layer = layer_norm_layer();
  layer.order = DecoderLayer::Order::modules_norm_last;
  layer.dropout = c.number({"hidden_dropout_prob"}, 0, 0, 1);
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "gelu_new");
  layer.mlp.width = c.count({"intermediate_size"}, 16384, 1, most_width);
  AttentionLayer& a = layer.attention;
  a.rotary = AttentionLayer::Rotary::none;
  a.softmax_in_fp32 = a.narrowed = false;
  a.dropout = c.number({"attention_probs_dropout_prob"}, 0, 0, 1);
  a.heads = a.kv_heads = c.count({"num_attention_heads"}, 64, 1, most_heads);
  a.head_dim = std::max(1.0, std::floor(m.hidden / a.heads));
  if (a.heads * a.head_dim != m.hidden) c.report("num_attention_heads", "not-divisible", "must divide hidden_size");
  const double layers = c.count({"num_hidden_layers"}, 12, 1, most_layers), groups = c.count({"num_hidden_groups"}, 1, 1, most_layers);
  if (c.count({"inner_group_num"}, 1, 1, most_layers) != 1) c.report("inner_group_num", "unsupported", "groups of several layers are not computed yet");
  if (groups > layers) c.report("num_hidden_groups", "contradiction", "cannot be more than num_hidden_layers");
  m.encoder.shared_by = layers / groups;
  m.encoder.layers.assign(static_cast<std::size_t>(layers), layer);
  InputLayer& in = m.encoder.input;
  in.vocabulary = c.count({"vocab_size"}, 30000, 1, most_vocabulary);
  in.positions = m.max_positions;
  in.positions_buffered = true;
  in.types = c.count({"type_vocab_size"}, 2, 1, most_vocabulary);
  in.norm = NormKind::layer;
  in.dropout = layer.dropout;
  in.width = c.count({"embedding_size"}, 128, 1, most_width);
  in.projected = in.projected_inside = true;
  if (made_for(c, "ForMaskedLM")) masked_head(c, m, layer.mlp.activation);
  else m.head.kind = Head::Kind::pooler;
  LabelHead head;
  head.pooled = true;
  head.first_dropout = c.number({"classifier_dropout_prob"}, 0.1, 0, 1);
  give_labels(c, m, head);
  return m;
}

}  // namespace gpumem
