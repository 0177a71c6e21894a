#include "architectures/image_towers.hpp"

#include <algorithm>
#include <cmath>

#include "architectures/common.hpp"

namespace gpumem {

double width_of_head(Fields& c, std::string_view name, double width, double heads) {
  if (std::fmod(width, heads) != 0) c.report(name, "not-divisible", "must divide the tower's hidden_size");
  return std::max(1.0, std::floor(width / heads));
}

namespace {

/// Source: [transformers] models/qwen2_vl/image_processing_qwen2_vl.py smart_resize
void fit_pixels(ImageReader& r, const ImageSize& size, double usual_fewest, double usual_most) {
  constexpr double usual_side = 1024;
  const double w = size.width > 0 ? size.width : usual_side, h = size.height > 0 ? size.height : usual_side, step = r.tower.input.patch * r.merge;
  const double fewest = size.fewest > 0 ? size.fewest : usual_fewest, most = size.most > 0 ? size.most : usual_most;
  r.width = std::max(step, std::nearbyint(w / step) * step);   // halves to even, as Python rounds
  r.height = std::max(step, std::nearbyint(h / step) * step);
  if (r.width * r.height > most) {
    const double shrunk = std::sqrt(w * h / most);
    r.width = std::max(step, std::floor(w / shrunk / step) * step);
    r.height = std::max(step, std::floor(h / shrunk / step) * step);
  } else if (r.width * r.height < fewest) {
    const double grown = std::sqrt(fewest / (w * h));
    r.width = std::ceil(w * grown / step) * step;
    r.height = std::ceil(h * grown / step) * step;
  }
}

DecoderLayer qwen_layer(Fields& vision, double width, double feed, bool gated) {
  DecoderLayer layer = gated ? DecoderLayer() : layer_norm_layer();
  layer.mlp.width = feed;
  layer.mlp.bias = true;
  layer.mlp.activation = read_activation(vision, {"hidden_act"}, gated ? "silu" : "quick_gelu");
  AttentionLayer& a = layer.attention;
  a.heads = a.kv_heads = vision.count({"num_heads"}, 16, 1, most_heads);
  a.head_dim = a.rotary_dim = width_of_head(vision, "num_heads", width, a.heads);
  a.rotary = AttentionLayer::Rotary::whole;
  a.rotary_format = AttentionLayer::RotaryFormat::wide;
  return layer;
}

std::vector<double> numbers(Fields& c, std::string_view name, std::vector<double> absent) {
  const Document* given = c.value({name});
  if (!given || !given->is(Document::Kind::list)) return absent;
  std::vector<double> list;
  for (const Document& d : given->items())
    if (d.is(Document::Kind::number) && list.size() < static_cast<std::size_t>(most_layers)) list.push_back(d.number());
  return list;
}

struct QwenDefaults {
  double width, feed, layers, patch, fewest, most;
  std::string_view width_name;
};

/// What the three of them have alike.
void read_qwen(Fields& vision, ImageReader& r, const ImageSize& size, const QwenDefaults& d, bool gated) {
  r.input = ImageReader::Input::flattened;
  r.projector = ImageReader::Projector::merged;
  r.projector_norm = gated ? NormKind::rms : NormKind::layer;
  r.positions_by_sequence = true;
  InputLayer& in = r.tower.input;
  in.kind = InputLayer::Kind::image;
  in.width = vision.count({d.width_name}, d.width, 1, most_width);
  in.patch = vision.count({"patch_size", "spatial_patch_size"}, d.patch, 1, most_width);
  in.channels = vision.count({"in_channels"}, 3, 1, most_width);
  in.patch_bias = false;
  r.patch_frames = vision.count({"temporal_patch_size"}, 2, 1, 64);
  r.merge = vision.count({"spatial_merge_size"}, 2, 1, 64);
  const double feed = d.feed > 0 ? vision.count({"intermediate_size"}, d.feed, 1, most_width) : in.width * vision.number({"mlp_ratio"}, 4, 0.01, 64);
  r.tower.layers.assign(static_cast<std::size_t>(vision.count({"depth"}, d.layers, 1, most_layers)), qwen_layer(vision, in.width, feed, gated));
  r.kept_layer = static_cast<double>(r.tower.layers.size());
  fit_pixels(r, size, d.fewest, d.most);
  r.tokens = r.rows();
}

}  // namespace

/// Source: [transformers] models/qwen2_vl/configuration_qwen2_vl.py; limits of pixels as the checkpoints' preprocessor_config.json has them
void qwen2_vl(Fields& c, ImageReader& r, const ImageSize& size) {
  Fields vision = c.record("vision_config");
  read_qwen(vision, r, size, {.width = 1280, .feed = 0, .layers = 32, .patch = 14, .fewest = 3136, .most = 12845056, .width_name = "embed_dim"}, false);
}

/// Source: [transformers] models/qwen2_5_vl/configuration_qwen2_5_vl.py; limits of pixels as the checkpoints' preprocessor_config.json has them
void qwen2_5_vl(Fields& c, ImageReader& r, const ImageSize& size) {
  Fields vision = c.record("vision_config");
  read_qwen(vision, r, size, {.width = 3584, .feed = 3420, .layers = 32, .patch = 14, .fewest = 3136, .most = 12845056, .width_name = "hidden_size"}, true);
  r.window = std::floor(vision.count({"window_size"}, 112, 1, most_width) / r.tower.input.patch);
  r.whole_layers = numbers(vision, "fullatt_block_indexes", {7, 15, 23, 31});
}

/// Source: [transformers] models/qwen3_vl/configuration_qwen3_vl.py; limits of pixels as the checkpoints' preprocessor_config.json has them
void qwen3_vl(Fields& c, ImageReader& r, const ImageSize& size) {
  Fields vision = c.record("vision_config");
  read_qwen(vision, r, size, {.width = 1152, .feed = 4304, .layers = 27, .patch = 16, .fewest = 65536, .most = 16777216, .width_name = "hidden_size"}, false);
  for (DecoderLayer& l : r.tower.layers) l.mlp.activation = read_activation(vision, {"hidden_act"}, "gelu_pytorch_tanh");
  r.tower.input.patch_bias = true;
  r.position_rows = vision.count({"num_position_embeddings"}, 2304, 1, most_vocabulary);
  r.deep_layers = numbers(vision, "deepstack_visual_indexes", {8, 16, 24});
}

/// The same tower, of which the text model sees the end alone.
/// Source: [transformers] models/qwen3_5/configuration_qwen3_5.py, models/qwen3_5_moe/configuration_qwen3_5_moe.py
void qwen3_5_vl(Fields& c, ImageReader& r, const ImageSize& size) {
  qwen3_vl(c, r, size);
  r.deep_layers.clear();
}

}  // namespace gpumem
