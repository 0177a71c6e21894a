#include "architectures/image_readers.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "architectures/common.hpp"
#include "architectures/encoder_architecture.hpp"
#include "architectures/image_tiles.hpp"
#include "architectures/image_towers.hpp"

namespace gpumem {
namespace {

Decoder read_text(Fields& c, std::vector<Assumption>& assumptions) {
  if (!c.has("text_config")) return c.text({"model_type"}, "").starts_with("qwen3") ? qwen3(c) : qwen2(c);
  Fields text = c.record("text_config");
  const std::string type = text.text({"model_type"}, "llama");
  Decoder m = type.starts_with("qwen2") ? qwen2(text) : type.starts_with("qwen3") && !has_program(type) ? qwen3(text) : type == "llama" ? llama(text) : read_model(text, assumptions);
  m.tied = c.flag({"tie_word_embeddings"}, m.tied);
  return m;
}

/// Convolutions over squares, made by the processor of whatever comes.
void read_squares(Fields& vision, ImageReader& r) {
  const bool siglip = vision.text({"model_type"}, "clip_vision_model") == "siglip_vision_model";
  EncoderModel m = siglip ? siglip_vision(vision) : clip_vision(vision);
  r.tower = std::move(m.encoder);
  if (!siglip) r.tower.final_norm = NormKind::layer;
  r.width = r.height = r.tower.input.side;
}

/// The longest side is at most that of the model; patches at the border are whole.
/// Source: [transformers] models/pixtral/image_processing_pixtral.py get_resize_output_image_size
void fit_longest(ImageReader& r, const ImageSize& size, double longest) {
  const double w = size.width > 0 ? size.width : longest, h = size.height > 0 ? size.height : longest, step = r.tower.input.patch * r.merge;
  const double ratio = std::max({1.0, w / longest, h / longest});
  r.width = std::ceil(std::max(1.0, std::floor(w / ratio)) / step) * step;
  r.height = std::ceil(std::max(1.0, std::floor(h / ratio)) / step) * step;
}

/// Source: [transformers] models/pixtral/configuration_pixtral.py
void read_pixtral(Fields& vision, ImageReader& r, const ImageSize& size) {
  r.input = ImageReader::Input::packed;
  InputLayer& in = r.tower.input;
  in.kind = InputLayer::Kind::image;
  in.width = vision.count({"hidden_size"}, 1024, 1, most_width);
  in.patch = vision.count({"patch_size"}, 16, 1, most_width);
  in.channels = vision.count({"num_channels"}, 3, 1, most_width);
  in.side = vision.count({"image_size"}, 1024, 1, most_width);
  in.norm = NormKind::rms;
  in.whole = false;
  DecoderLayer layer;
  layer.mlp.activation = read_activation(vision, {"hidden_act"}, "gelu");
  layer.mlp.width = vision.count({"intermediate_size"}, 4096, 1, most_width);
  AttentionLayer& a = layer.attention;
  a.heads = a.kv_heads = vision.count({"num_attention_heads"}, 16, 1, most_heads);
  a.head_dim = a.rotary_dim = width_of_head(vision, "num_attention_heads", in.width, a.heads);
  r.tower.layers.assign(static_cast<std::size_t>(vision.count({"num_hidden_layers"}, 24, 1, most_layers)), layer);
  fit_longest(r, size, in.side);
  r.tokens = r.rows() + std::floor(r.patches_down() / r.merge);   // a token ends each row of patches
}

void keep_layer(Fields& c, ImageReader& r, double absent) {
  const double layers = static_cast<double>(r.tower.layers.size());
  double kept = c.number({"vision_feature_layer"}, absent, -1000, 1000);
  if (kept < 0) kept += layers + 1;
  if (kept != std::floor(kept) || kept < 0 || kept > layers) c.report("vision_feature_layer", "out-of-range", "must be a layer of the tower");
  r.kept_layer = kept;
}

/// Source: [transformers] models/llava/configuration_llava.py, modeling_llava.py LlavaMultiModalProjector
void llava(Fields& c, ImageReader& r, const ImageSize& size) {
  Fields vision = c.record("vision_config");
  const bool pixtral = vision.text({"model_type"}, "") == "pixtral";
  if (pixtral) read_pixtral(vision, r, size);
  else read_squares(vision, r);
  r.projector_bias = c.flag({"multimodal_projector_bias"}, true);
  r.activation = read_activation(c, {"projector_hidden_act"}, "gelu");
  keep_layer(c, r, pixtral ? -1 : -2);
  r.first_dropped = r.tower.input.whole && c.text({"vision_feature_select_strategy"}, "default") == "default";
  if (!pixtral) r.tokens = r.rows();
}

/// Source: [transformers] models/llava_next/configuration_llava_next.py
void llava_next(Fields& c, ImageReader& r, const ImageSize& size) {
  llava(c, r, size);
  const Tiling tiling = pinned_tiling(c, size, r);
  r.repacked = true;
  r.views = tiling.views;
  r.tokens = tiling.tokens;
}

/// Source: [transformers] models/internvl/configuration_internvl.py
void internvl(Fields& c, ImageReader& r, const ImageSize& size) {
  Fields vision = c.record("vision_config");
  InputLayer& in = r.tower.input;
  in.kind = InputLayer::Kind::image;
  in.width = vision.count({"hidden_size"}, 1024, 1, most_width);
  in.side = square_side(vision, "image_size", 448);
  in.patch = square_side(vision, "patch_size", 14);
  in.channels = vision.count({"num_channels"}, 3, 1, most_width);
  if (in.patch > in.side) vision.report("patch_size", "contradiction", "cannot be larger than image_size");
  DecoderLayer layer = layer_norm_layer();
  if (vision.text({"norm_type"}, "layer_norm") == "rms_norm") layer.norm = NormKind::rms;
  layer.mlp.activation = read_activation(vision, {"hidden_act"}, "gelu");
  layer.mlp.width = vision.count({"intermediate_size"}, 4096, 1, most_width);
  AttentionLayer& a = layer.attention;
  a.rotary = AttentionLayer::Rotary::none;
  a.heads = a.kv_heads = vision.count({"num_attention_heads"}, 16, 1, most_heads);
  a.head_dim = a.rotary_dim = width_of_head(vision, "num_attention_heads", in.width, a.heads);
  a.input_bias = vision.flag({"attention_bias"}, false);
  a.output_bias = true;
  if (vision.flag({"use_qk_norm"}, false)) a.qk_norm = NormKind::rms, a.qk_norm_place = AttentionLayer::QkNorm::whole;
  r.tower.layers.assign(static_cast<std::size_t>(vision.count({"num_hidden_layers"}, 24, 1, most_layers)), layer);
  r.layer_scaled = true;
  r.width = r.height = in.side;
  r.projector = ImageReader::Projector::shuffled;
  r.projector_norm = NormKind::layer;
  r.activation = read_activation(c, {"projector_hidden_act"}, "gelu");
  r.first_dropped = true;
  r.merge = std::floor(1 / c.number({"downsample_ratio"}, 0.5, 0.01, 1));
  keep_layer(c, r, -1);
  r.joined = false;
  r.views = tiles_by_shape(size, in.side);
  r.tokens = r.rows() * r.views;
}

/// Source: [transformers] models/mistral3/configuration_mistral3.py
void mistral3(Fields& c, ImageReader& r, const ImageSize& size) {
  Fields vision = c.record("vision_config");
  r.merge = c.count({"spatial_merge_size"}, 2, 1, 64);
  read_pixtral(vision, r, size);
  r.projector = ImageReader::Projector::merged_dense;
  r.projector_bias = c.flag({"multimodal_projector_bias"}, false);
  r.activation = read_activation(c, {"projector_hidden_act"}, "gelu");
  keep_layer(c, r, -1);
}

/// Source: [transformers] models/gemma3/modeling_gemma3.py Gemma3MultiModalProjector
void gemma3_images(Fields& c, ImageReader& r, const ImageSize&) {
  Fields vision = c.record("vision_config");
  read_squares(vision, r);
  r.projector = ImageReader::Projector::averaged;
  r.projector_norm = NormKind::rms_plus_one;
  const double wanted = c.count({"mm_tokens_per_image"}, 256, 1, 1 << 20);
  const double side = std::floor(std::sqrt(wanted));
  if (side > r.patches_across()) c.report("mm_tokens_per_image", "contradiction", "cannot be more than the patches of an image");
  r.merge = std::max(1.0, std::floor(r.patches_across() / side));
  r.kept_layer = static_cast<double>(r.tower.layers.size());
  r.joined = false;
  r.both_ways = true;
  r.tokens = r.rows();
}

/// Source: [transformers] models/paligemma/modeling_paligemma.py PaliGemmaModel.get_image_features
void paligemma(Fields& c, ImageReader& r, const ImageSize&) {
  Fields vision = c.record("vision_config");
  read_squares(vision, r);
  r.projector = ImageReader::Projector::one_dense;
  r.kept_layer = static_cast<double>(r.tower.layers.size());
  r.joined = false;
  r.both_ways = true;
  r.tokens = r.rows();
}

struct Family {
  std::string_view model_type;
  void (*read)(Fields&, ImageReader&, const ImageSize&);
  bool takes_flash;
};

constexpr std::array families = {
    Family{"llava", llava, true},         Family{"llava_next", llava_next, true}, Family{"internvl", internvl, true}, Family{"mistral3", mistral3, true},     Family{"gemma3", gemma3_images, false},
    Family{"paligemma", paligemma, false},
    Family{"qwen2_vl", qwen2_vl, true},   Family{"qwen2_5_vl", qwen2_5_vl, true}, Family{"qwen3_vl", qwen3_vl, true},
    Family{"qwen3_5", qwen3_5_vl, true},  Family{"qwen3_5_moe", qwen3_5_vl, true},
};

}  // namespace

bool reads_images(std::string_view type) {
  return std::any_of(families.begin(), families.end(), [&](const Family& f) { return f.model_type == type; });
}

std::vector<std::string_view> image_types() {
  std::vector<std::string_view> types;
  for (const Family& f : families) types.push_back(f.model_type);
  return types;
}

SeeingModel read_seeing_model(Fields& c, const ImageSize& size, std::vector<Assumption>& assumptions) {
  SeeingModel m;
  const std::string type = c.text({"model_type"}, "");
  m.text = read_text(c, assumptions);
  for (const Family& f : families)
    if (f.model_type == type) f.read(c, m.images, size), m.takes_flash = f.takes_flash;
  m.images.text_width = m.text.hidden;
  return m;
}

}  // namespace gpumem
