// What Gemma 3n and Gemma 4 add: layers that borrow keys and values, and inputs of each layer's own.

#include <algorithm>
#include <cmath>

#include "architectures/common.hpp"
#include "machine/tape.hpp"

namespace gpumem {

/// The last layer of each kind that makes keys and values lends them to all behind it.
/// Source: [transformers] models/gemma4/configuration_gemma4.py Gemma4TextConfig.kv_sharing_modes
void lend_keys(Fields& c, Decoder& m, double absent) {
  const double count = static_cast<double>(m.layers.size()), borrowing = c.count({"num_kv_shared_layers"}, absent, 0, count);
  if (borrowing == 0) return;
  const auto own = static_cast<std::size_t>(count - borrowing);
  for (std::size_t i = own; i < m.layers.size(); ++i) m.layers[i].attention.keys = AttentionLayer::Keys::borrowed;
  for (std::size_t i = own; i < m.layers.size(); ++i) {
    const bool windowed = m.layers[i].attention.window > 0;
    std::size_t lender = own;
    while (lender > 0 && (m.layers[lender - 1].attention.window > 0) != windowed) --lender;
    if (lender == 0) return c.report("num_kv_shared_layers", "contradiction", "leaves no layer of that kind to borrow keys and values from");
    m.layers[lender - 1].attention.keys = AttentionLayer::Keys::lent;
  }
}

/// Source: [transformers] models/gemma4/configuration_gemma4.py
void give_inputs(Fields& c, Decoder& m) {
  const double width = c.count({"hidden_size_per_layer_input"}, 256, 0, most_width);
  m.input_rows = c.count({"vocab_size_per_layer_input"}, 262144, 1, most_vocabulary);
  for (DecoderLayer& l : m.layers) l.own_input = width;
}

namespace {

/// A number for each layer: a list of them, or one for all.
std::vector<double> by_layer(Fields& c, std::string_view name, double absent, double low, double high, std::size_t layers, std::vector<double> usual = {}) {
  const Document* given = c.value({name});
  if (!given && !usual.empty()) return usual;
  if (!given || !given->is(Document::Kind::list)) return std::vector<double>(layers, c.number({name}, absent, low, high));
  std::vector<double> numbers;
  for (const Document& one : given->items()) numbers.push_back(one.is(Document::Kind::number) ? one.number() : low - 1);
  if (numbers.size() != layers || std::any_of(numbers.begin(), numbers.end(), [&](double n) { return n < low || n > high; })) {
    c.report(name, "out-of-range", text_of({"must be a number for each of the ", number_text(static_cast<double>(layers)), " layers"}));
    numbers.assign(layers, low);
  }
  return numbers;
}

/// Rows for tokens of a kind of their own, and their way into the text.
/// Source: [transformers] models/gemma3n/modeling_gemma3n.py Gemma3nMultimodalEmbedder
void add_embedder(Fields& c, Decoder& m, double width) {
  const double rows = c.count({"vocab_size"}, 128, 1, most_vocabulary);
  const std::vector<IdleWeights> tensors = {{"projector.embedding.weight", {rows, width}, 1}, {"projector.norm", {width}, 2}, {"projector.projection.weight", {m.hidden, width}, 1}};
  m.beside.insert(m.beside.end(), tensors.begin(), tensors.end());
}

}  // namespace

/// Both families' towers for sound are alike but for fields' names and what stands behind.
/// Source: [transformers] models/gemma4/modeling_gemma4.py Gemma4AudioModel, models/gemma3n/modeling_gemma3n.py Gemma3nAudioEncoder
void add_ear(Fields& c, Decoder& m) {
  Fields audio = c.record("audio_config");
  const bool streams = m.layers[0].streams > 1;
  const double h = audio.count({"hidden_size"}, streams ? 1536 : 1024, 1, most_width), kernel = audio.count({"conf_conv_kernel_size", "conv_kernel_size"}, 5, 1, most_width);
  const double layers = audio.count({"conf_num_hidden_layers", "num_hidden_layers"}, 12, 1, most_layers);
  const double heads = audio.count({"conf_num_attention_heads", "num_attention_heads"}, 8, 1, most_heads), dim = std::floor(h / heads);
  const double bands = audio.count({"input_feat_size"}, 128, 4, most_width);
  const std::vector<double> channels = by_layer(audio, streams ? "sscp_conv_channel_size" : "subsampling_conv_channels", 0, 1, most_width, 2, {128, 32});
  const double read = streams ? std::ceil(std::ceil(bands / 2) / 2) : std::floor(channels[0] / 4);
  std::vector<IdleWeights> tensors = {
      {"audio_tower.subsample.conv0.weight", {channels[0], 1, 3, 3}, 1}, {"audio_tower.subsample.conv1.weight", {channels[1], channels[0], 3, 3}, 1},
      {"audio_tower.subsample.norm0", {channels[0]}, 1}, {"audio_tower.subsample.norm1", {channels[1]}, 1}, {"audio_tower.subsample.input_proj.weight", {h, read * channels[1]}, 1},
      {"audio_tower.layers.feed_forward.weight", {4 * h, h}, 4 * layers}, {"audio_tower.layers.norm", {h}, 9 * layers},
      {"audio_tower.layers.self_attn.per_dim_scale", {dim}, layers}, {"audio_tower.layers.self_attn.weight", {heads * dim, h}, 4 * layers},
      {"audio_tower.layers.self_attn.post.weight", {h, h}, layers}, {"audio_tower.layers.lconv1d.linear_start.weight", {2 * h, h}, layers},
      {"audio_tower.layers.lconv1d.linear_end.weight", {h, h}, layers}, {"audio_tower.layers.lconv1d.depthwise_conv1d.weight", {h, 1, kernel}, layers}};
  if (streams) {
    add_embedder(audio, m, h);
  } else {
    const double out = audio.count({"output_proj_dims"}, 1536, 1, most_width);
    tensors.push_back({"audio_tower.output_proj.weight", {out, h}, 1});
    tensors.push_back({"audio_tower.output_proj.bias", {out}, 1});
    tensors.push_back({"audio_tower.projector.weight", {m.hidden, out}, 1});
  }
  m.beside.insert(m.beside.end(), tensors.begin(), tensors.end());
}

/// Source: [transformers] models/gemma3n/configuration_gemma3n.py Gemma3nTextConfig
Decoder gemma3n_text(Fields& c) {
  DecoderLayer layer = power_normed_layer(c);
  layer.order = DecoderLayer::Order::streams;
  layer.streams = c.count({"altup_num_inputs"}, 4, 2, most_inputs);
  layer.low_rank = c.count({"laurel_rank"}, 64, 1, most_width);
  layer.stream_scaled = c.flag({"altup_correct_scale"}, true);
  Decoder m = plain_decoder(c, {.vocabulary = 262400, .hidden = 2048, .width = 0, .layers = 35, .heads = 8, .kv_heads = 2, .head_dim = 256,
                                .positions = 32768, .tied = true}, layer);
  m.embedding_scaled = m.rotary_by_window = true;
  m.final_norm = NormKind::rms_by_power;
  m.final_softcap = !c.has("final_logit_softcapping") ? !c.source() || !c.source()->find("final_logit_softcapping") : true;
  set_windows(c, m, c.count({"sliding_window"}, 512, 1, most_tokens), all_but_every, 5);
  lend_keys(c, m, 15);
  give_inputs(c, m);
  const std::size_t count = m.layers.size();
  const std::vector<double> widths = by_layer(c, "intermediate_size", 16384, 1, most_width, count);
  const bool thinned = c.has("activation_sparsity_pattern");
  const std::vector<double> shares = by_layer(c, "activation_sparsity_pattern", 0, 0, 1, count);
  for (std::size_t i = 0; i < count; ++i) {
    m.layers[i].mlp.width = widths[i];
    m.layers[i].mlp.thinned = thinned ? shares[i] > 0 : count > 10 && i < 10;
  }
  return m;
}

/// The text model of one that sees and hears, with the weights of both towers beside it.
/// The tower for images is no class of Transformers: 294,126,912 is what the totals of both published sizes leave for it.
/// Source: [transformers] models/gemma3n/modeling_gemma3n.py Gemma3nModel, models/gemma3n/configuration_gemma3n.py
Decoder gemma3n(Fields& c) {
  Fields text = c.record("text_config");
  Decoder m = gemma3n_text(text);
  m.tied = c.flag({"tie_word_embeddings"}, true);   // of the whole, whatever its text says
  Fields vision = c.record("vision_config");
  constexpr double image_tower = 294126912;
  if (vision.text({"architecture"}, "mobilenetv5_300m_enc") != "mobilenetv5_300m_enc")
    vision.report("architecture", "unsupported", "is a tower whose tensors are not counted yet");
  m.beside = {{"vision.weights", {image_tower}, 1}};
  add_embedder(vision, m, vision.count({"hidden_size"}, 2048, 1, most_width));
  add_ear(c, m);
  return m;
}

}  // namespace gpumem
