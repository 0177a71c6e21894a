// Encoders of images whose stages have widths of their own.

#include <algorithm>
#include <cmath>

#include "architectures/common.hpp"
#include "architectures/encoder_architecture.hpp"

namespace gpumem {
namespace {

struct Stages {
  std::vector<double> depths, widths, heads;
};

/// Blocks are counted as layers without parts; their programs are those of the net.
EncoderModel staged(Fields& c, StagedNet net, const Stages& stages) {
  EncoderModel m;
  InputLayer& in = m.encoder.input;
  in.kind = InputLayer::Kind::image;
  in.whole = false;
  in.channels = c.count({"num_channels"}, 3, 1, most_width);
  in.side = c.count({"image_size"}, 224, 1, most_width);
  in.patch = c.count({"patch_size"}, 4, 1, most_width);
  if (in.patch > in.side) c.report("patch_size", "contradiction", "cannot be larger than image_size");
  double blocks = 0;
  for (std::size_t i = 0; i < stages.depths.size(); ++i) {
    net.stages.push_back({stages.depths[i], stages.widths[i], stages.heads[i]});
    blocks += stages.depths[i];
  }
  if (blocks > most_layers) c.report("depths", "out-of-range", "are too many");
  DecoderLayer none;
  none.attention.rotary = AttentionLayer::Rotary::none;
  m.encoder.layers.assign(static_cast<std::size_t>(std::min(blocks, most_layers)), none);
  m.hidden = stages.widths.back();
  m.head.kind = made_for(c, "ForImageClassification") ? Head::Kind::classes : Head::Kind::pooler;
  m.head.classes = count_labels(c);
  m.max_positions = 1;
  m.staged = std::move(net);
  return m;
}

bool alike(Fields& c, const Stages& s) {
  const bool fits = !s.depths.empty() && s.depths.size() <= Few<StagedNet::Stage>::most && s.depths.size() == s.widths.size() && s.depths.size() == s.heads.size();
  if (!fits) c.report("depths", "wrong-length", "must say a depth for each stage");
  return fits;
}

}  // namespace

/// Source: [transformers] models/convnext/configuration_convnext.py
EncoderModel convnext(Fields& c) {
  StagedNet net;
  net.activation = read_activation(c, {"hidden_act"}, "gelu");
  net.scaled_by_column = c.number({"layer_scale_init_value"}, 1e-6, 0, 1e6) > 0;
  net.path_dropout = c.number({"drop_path_rate"}, 0, 0, 1);
  Stages s = {read_numbers(c, "depths", {3, 3, 9, 3}), read_numbers(c, "hidden_sizes", {96, 192, 384, 768}), {}};
  s.heads.assign(s.depths.size(), 1);
  return alike(c, s) ? staged(c, std::move(net), s) : EncoderModel();
}

/// Each stage is twice as wide as the one before; none may be smaller than a window.
/// Source: [transformers] models/swin/configuration_swin.py
EncoderModel swin(Fields& c) {
  StagedNet net;
  net.kind = StagedNet::Kind::windows;
  net.activation = read_activation(c, {"hidden_act"}, "gelu");
  net.window = c.count({"window_size"}, 7, 1, 64);
  net.ratio = c.number({"mlp_ratio"}, 4, 0.01, 1024);
  net.bias = c.flag({"qkv_bias"}, true);
  net.placed = c.flag({"use_absolute_embeddings"}, false);
  net.dropout = c.number({"hidden_dropout_prob"}, 0, 0, 1);
  net.attention_dropout = c.number({"attention_probs_dropout_prob"}, 0, 0, 1);
  net.path_dropout = c.number({"drop_path_rate"}, 0.1, 0, 1);
  Stages s = {read_numbers(c, "depths", {2, 2, 6, 2}), {}, read_numbers(c, "num_heads", {3, 6, 12, 24})};
  const double width = c.count({"embed_dim"}, 96, 1, most_width);
  for (std::size_t i = 0; i < s.depths.size(); ++i) s.widths.push_back(width * std::pow(2, std::min(static_cast<double>(i), 10.0)));
  if (!alike(c, s)) return {};
  const double window = net.window;
  EncoderModel m = staged(c, std::move(net), s);
  double side = std::ceil(m.encoder.input.side / m.encoder.input.patch);
  for (std::size_t i = 1; i < s.depths.size(); ++i) side = std::ceil(side / 2);
  if (side < window) c.report("image_size", "contradiction", "leaves the last stage smaller than a window");
  for (std::size_t i = 0; i < s.depths.size(); ++i)
    if (std::fmod(s.widths[i], s.heads[i]) != 0) c.report("num_heads", "not-divisible", "must divide the width of its stage");
  return m;
}

}  // namespace gpumem
