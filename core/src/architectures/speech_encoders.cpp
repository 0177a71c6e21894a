// Encoders that read samples of sound.

#include <algorithm>
#include <cmath>

#include "architectures/common.hpp"
#include "architectures/encoder_architecture.hpp"

namespace gpumem {
namespace {

/// Convolutions, and their kernels and steps, are lists of one length.
WaveLayers read_wave(Fields& c) {
  WaveLayers w;
  const std::vector<double> channels = read_numbers(c, "conv_dim", {512, 512, 512, 512, 512, 512, 512}), kernels = read_numbers(c, "conv_kernel", {10, 3, 3, 3, 3, 2, 2}),
                            strides = read_numbers(c, "conv_stride", {5, 2, 2, 2, 2, 2, 2});
  if (channels.empty() || channels.size() > w.steps.most || kernels.size() != channels.size() || strides.size() != channels.size())
    c.report("conv_dim", "wrong-length", "must be as long as conv_kernel and conv_stride, and 1 to 16 numbers");
  else
    for (std::size_t i = 0; i < channels.size(); ++i) w.steps.push_back({channels[i], kernels[i], strides[i]});
  w.bias = c.flag({"conv_bias"}, false);
  w.all_normed = c.word({"feat_extract_norm"}, "group", {"group", "layer"}) == "layer";
  w.activation = read_activation(c, {"feat_extract_activation"}, "gelu");
  w.mask_row = c.number({"mask_time_prob"}, 0.05, 0, 1) > 0 || c.number({"mask_feature_prob"}, 0, 0, 1) > 0;
  w.reach = c.count({"num_conv_pos_embeddings"}, 128, 1, most_width);
  w.groups = c.count({"num_conv_pos_embedding_groups"}, 16, 1, most_width);
  w.normed_before = !c.flag({"do_stable_layer_norm"}, false);
  return w;
}

DecoderLayer read_layer(Fields& c, EncoderModel& m) {
  DecoderLayer layer = layer_norm_layer();
  layer.order = m.wave->normed_before ? DecoderLayer::Order::probabilities_kept_last : DecoderLayer::Order::probabilities_kept_first;
  layer.dropout = c.number({"hidden_dropout"}, 0.1, 0, 1);
  layer.mlp.activation = read_activation(c, {"hidden_act"}, "gelu");
  layer.mlp.width = c.count({"intermediate_size"}, 3072, 1, most_width);
  layer.mlp.inner_dropout = c.number({"activation_dropout"}, 0.1, 0, 1);
  layer.mlp.dropout = layer.dropout;
  AttentionLayer& a = layer.attention;
  a.rotary = AttentionLayer::Rotary::none;
  a.softmax_in_fp32 = a.narrowed = false;
  a.dropout = c.number({"attention_dropout"}, 0.1, 0, 1);
  a.heads = a.kv_heads = c.count({"num_attention_heads"}, 12, 1, most_heads);
  a.head_dim = std::max(1.0, std::floor(m.hidden / a.heads));
  if (a.heads * a.head_dim != m.hidden) c.report("num_attention_heads", "not-divisible", "must divide hidden_size");
  return layer;
}

EncoderModel reads_wave(Fields& c) {
  EncoderModel m;
  m.hidden = c.count({"hidden_size"}, 768, 1, most_width);
  m.wave = read_wave(c);
  if (std::fmod(m.hidden, m.wave->groups) != 0) c.report("num_conv_pos_embedding_groups", "not-divisible", "must divide hidden_size");
  m.wave->dropout = c.number({"feat_proj_dropout"}, 0, 0, 1);
  const DecoderLayer layer = read_layer(c, m);
  m.encoder.layers.assign(static_cast<std::size_t>(c.count({"num_hidden_layers"}, 12, 1, most_layers)), layer);
  InputLayer& in = m.encoder.input;
  in.kind = InputLayer::Kind::wave;
  in.held = true;   // what there is to hold, it holds itself
  in.dropout = layer.dropout;
  if (!m.wave->normed_before) m.encoder.final_norm = NormKind::layer;
  m.max_positions = most_tokens;
  if (!made_for(c, "ForCTC")) return m;
  m.head.kind = Head::Kind::labels;
  m.head.classes = c.count({"vocab_size"}, 32, 1, most_vocabulary);
  m.head.labels.row = LabelHead::Row::each;
  m.head.labels.first_dropout = c.number({"final_dropout"}, 0.1, 0, 1);
  m.head.aligned = true;
  return m;
}

}  // namespace

/// Source: [transformers] models/wav2vec2/configuration_wav2vec2.py
EncoderModel wav2vec2(Fields& c) {
  EncoderModel m = reads_wave(c);
  m.wave->rows_given = true;
  return m;
}

/// Source: [transformers] models/hubert/configuration_hubert.py
EncoderModel hubert(Fields& c) {
  EncoderModel m = reads_wave(c);
  m.wave->rows_normed = c.flag({"feat_proj_layer_norm"}, true);
  return m;
}

}  // namespace gpumem
