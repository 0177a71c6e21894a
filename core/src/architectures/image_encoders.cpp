// Encoders of images, of the texts that go with them, and both together.

#include <algorithm>
#include <cmath>

#include "architectures/common.hpp"
#include "architectures/encoder_architecture.hpp"

namespace gpumem {
namespace {

struct TowerDefaults {
  double hidden = 768, width = 3072, layers = 12, heads = 12, positions = 77, vocabulary = 49408, patch = 32;
  std::string_view activation = "quick_gelu";
};

/// Source: [transformers] models/clip/modeling_clip.py CLIPEncoderLayer
void read_layers(Fields& c, Stack& stack, const TowerDefaults& d) {
  DecoderLayer layer = layer_norm_layer();
  layer.attention.rotary = AttentionLayer::Rotary::none;
  layer.mlp.activation = read_activation(c, {"hidden_act"}, d.activation);
  layer.attention.dropout = c.number({"attention_dropout"}, 0, 0, 1);
  stack.input.width = c.count({"hidden_size"}, d.hidden, 1, most_width);
  layer.mlp.width = c.count({"intermediate_size"}, d.width, 1, most_width);
  AttentionLayer& a = layer.attention;
  a.heads = a.kv_heads = c.count({"num_attention_heads"}, d.heads, 1, most_heads);
  a.head_dim = a.rotary_dim = std::max(1.0, std::floor(stack.input.width / a.heads));
  if (a.heads * a.head_dim != stack.input.width) c.report("num_attention_heads", "not-divisible", "must divide hidden_size");
  stack.layers.assign(static_cast<std::size_t>(c.count({"num_hidden_layers"}, d.layers, 1, most_layers)), layer);
}

Stack read_images(Fields& c, const TowerDefaults& d) {
  Stack stack;
  read_layers(c, stack, d);
  InputLayer& in = stack.input;
  in.kind = InputLayer::Kind::image;
  in.side = c.count({"image_size"}, 224, 1, most_width);
  in.patch = c.count({"patch_size"}, d.patch, 1, most_width);
  in.channels = c.count({"num_channels"}, 3, 1, most_width);
  if (in.patch > in.side) c.report("patch_size", "contradiction", "cannot be larger than image_size");
  in.places_looked_up = true;
  return stack;
}

Stack read_texts(Fields& c, const TowerDefaults& d) {
  Stack stack;
  read_layers(c, stack, d);
  InputLayer& in = stack.input;
  in.vocabulary = c.count({"vocab_size"}, d.vocabulary, 1, most_vocabulary);
  in.positions = c.count({"max_position_embeddings"}, d.positions, 1, most_tokens);
  in.positions_buffered = true;
  stack.final_norm = NormKind::layer;
  return stack;
}

EncoderModel alone(Stack stack, const Head& head) {
  EncoderModel m;
  m.hidden = stack.input.width;
  m.encoder = std::move(stack);
  m.head = head;
  m.max_positions = m.reads_tokens() ? m.encoder.input.positions : m.rows(0);
  return m;
}

EncoderModel clip_images(Fields& c) {
  Stack stack = read_images(c, {});
  stack.input.patch_bias = false;
  stack.input.norm = NormKind::layer;
  Head head;
  head.kind = Head::Kind::first_normed;
  return alone(std::move(stack), head);
}

EncoderModel clip_texts(Fields& c) {
  Stack stack = read_texts(c, {.hidden = 512, .width = 2048, .heads = 8});
  stack.causal = true;
  Head head;
  head.kind = Head::Kind::chosen;
  return alone(std::move(stack), head);
}

constexpr TowerDefaults siglip_sizes = {.positions = 64, .vocabulary = 32000, .patch = 16, .activation = "gelu_pytorch_tanh"};

EncoderModel siglip_images(Fields& c) {
  Stack stack = read_images(c, siglip_sizes);
  stack.input.whole = false;
  stack.final_norm = NormKind::layer;
  Head head;
  if (c.flag({"vision_use_head"}, true)) head.kind = Head::Kind::probe;
  head.mlp = stack.layers.front().mlp;
  head.heads = stack.layers.front().attention.heads;
  return alone(std::move(stack), head);
}

EncoderModel siglip_texts(Fields& c) {
  Stack stack = read_texts(c, siglip_sizes);
  Head head;
  head.kind = Head::Kind::last_dense;
  head.classes = c.count({"projection_size"}, stack.input.width, 1, most_width);
  return alone(std::move(stack), head);
}

EncoderModel together(EncoderModel images, EncoderModel texts) {
  images.decoder = std::move(texts.encoder);
  images.max_positions = texts.max_positions;
  images.towers.emplace().text = texts.head;
  return images;
}

}  // namespace

EncoderModel clip_vision(Fields& c) { return clip_images(c); }
EncoderModel clip_text(Fields& c) { return clip_texts(c); }
EncoderModel siglip_vision(Fields& c) { return siglip_images(c); }
EncoderModel siglip_text(Fields& c) { return siglip_texts(c); }

/// Source: [transformers] models/clip/configuration_clip.py
EncoderModel clip(Fields& c) {
  Fields vision = c.record("vision_config"), text = c.record("text_config");
  EncoderModel m = together(clip_images(vision), clip_texts(text));
  m.towers->shared = c.count({"projection_dim"}, 512, 1, most_width);
  return m;
}

/// Source: [transformers] models/siglip/configuration_siglip.py
EncoderModel siglip(Fields& c) {
  Fields vision = c.record("vision_config"), text = c.record("text_config");
  EncoderModel m = together(siglip_images(vision), siglip_texts(text));
  m.towers->biased = true;
  return m;
}

std::vector<double> read_numbers(Fields& c, std::string_view name, std::vector<double> absent) {
  const Document* given = c.value({name});
  if (!given) return absent;
  std::vector<double> numbers;
  bool whole = given->is(Document::Kind::list) && given->items().size() <= 64;
  for (std::size_t i = 0; whole && i < given->items().size(); ++i) {
    const Document& item = given->items()[i];
    whole = item.is(Document::Kind::number) && item.number() >= 1 && item.number() <= 1 << 16 && std::floor(item.number()) == item.number();
    if (whole) numbers.push_back(item.number());
  }
  if (!whole) c.report(name, "wrong-type", "must be a list of whole numbers");
  return whole ? numbers : absent;
}

/// Source: [transformers] models/resnet/configuration_resnet.py; images have the size that is asked for
EncoderModel resnet(Fields& c) {
  EncoderModel m;
  ConvolutionNet& net = m.convolutions.emplace();
  InputLayer& in = m.encoder.input;
  in.kind = InputLayer::Kind::image;
  in.channels = c.count({"num_channels"}, 3, 1, most_width);
  in.side = 224;
  in.patch = 32;
  net.stem = c.count({"embedding_size"}, 64, 1, most_width);
  net.bottleneck = c.word({"layer_type"}, "bottleneck", {"bottleneck", "basic"}) == "bottleneck";
  net.early_stride = c.flag({"downsample_in_bottleneck"}, false);
  net.activation = read_activation(c, {"hidden_act"}, "relu");
  const std::vector<double> widths = read_numbers(c, "hidden_sizes", {256, 512, 1024, 2048}), depths = read_numbers(c, "depths", {3, 4, 6, 3});
  if (widths.size() != depths.size() || widths.empty()) {
    c.report("depths", "wrong-length", "must have a depth for each of hidden_sizes");
    return m;
  }
  const bool first = c.flag({"downsample_in_first_stage"}, false);
  for (std::size_t i = 0; i < widths.size(); ++i) net.stages.push_back({depths[i], widths[i], i > 0 || first ? 2.0 : 1.0});
  m.hidden = widths.back();
  m.head.kind = made_for(c, "ForImageClassification") ? Head::Kind::classes : Head::Kind::pooler;
  m.head.classes = count_labels(c);
  m.max_positions = 1;
  return m;
}

}  // namespace gpumem
