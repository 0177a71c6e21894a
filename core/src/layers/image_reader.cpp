#include "layers/image_reader.hpp"

#include <algorithm>
#include <utility>

#include "layers/dense.hpp"
#include "layers/image_layers.hpp"
#include "layers/mlp.hpp"
#include "layers/norms.hpp"

namespace gpumem {
namespace {

/// Squares of patches become one row each.
/// Source: [transformers] models/mistral3/modeling_mistral3.py Mistral3PatchMerger.forward: unfolded image by image, glued
Value merged_squares(Machine& m, const ImageReader& r, const Value& rows, double images) {
  const double width = rows->shape[-1] * r.merge * r.merge, count = r.rows();
  std::vector<Value> unfolded;
  for (double i = 0; i < std::min(images, 2.0); ++i) unfolded.push_back(m.allocate({1, count * (i == 0 ? 1 : images - 1), width}, rows->format, "patches, unfolded"));
  const Value glued = m.allocate({1, count * images, width}, rows->format, "patches, unfolded and glued");
  let_go(unfolded);
  return dense(m, "patch_merger.merging_layer", glued, rows->shape[-1], false);
}

Value two_dense(Machine& m, const ImageReader& r, Value x) {
  x = dense(m, "linear_1", x, r.text_width, r.projector_bias);
  x = activate(m, r.activation, x);
  return dense(m, "linear_2", x, r.text_width, r.projector_bias);
}

void means_backward(Machine& m, Node& n, Gradients& g) { g.made[0] = m.gradient_like(n, 0, "gradient of means"); }

/// Source: [transformers] models/gemma3/modeling_gemma3.py Gemma3MultiModalProjector.forward;
/// [pytorch-derivatives] avg_pool2d
Value averaged(Machine& m, const ImageReader& r, const Value& rows, double images) {
  const double h = rows->shape[-1];
  const Value turned = m.view(m.copy(rows, "patches, side by side", Layout::token_major), {images, h, r.patches()});
  Node* node = m.record(means_backward, {&turned});
  m.save(node, turned);
  Value means = m.allocate({images, h, r.rows()}, rows->format, "means of patches");
  m.bind(node, means);
  means = m.view(means, {images, r.rows(), h});
  const Value normed = normalise(m, "mm_soft_emb_norm", r.projector_norm, means);
  const Value weight = m.parameter("mm_input_projection_weight", {h, r.text_width});
  return m.linear(normed, weight, {}, "image rows", true);
}

/// Source: [transformers] models/qwen2_vl/modeling_qwen2_vl.py PatchMerger.forward,
/// models/qwen3_vl/modeling_qwen3_vl.py Qwen3VLVisionPatchMerger.forward
Value merged(Machine& m, const ImageReader& r, const Value& rows, bool norm_behind) {
  const double square = r.merge * r.merge, h = rows->shape[-1] * square;
  const Shape squares = {1, rows->shape[1] / square, h};
  Value x = norm_behind ? m.view(rows, squares) : normalise(m, "norm", r.projector_norm, rows);
  x = norm_behind ? normalise(m, "norm", r.projector_norm, x) : m.view(x, squares);
  x = dense(m, "linear_fc1", x, h, true);
  x = m.gelu(x);
  return dense(m, "linear_fc2", x, r.text_width, true);
}

/// Source: [transformers] models/internvl/modeling_internvl.py InternVLModel.pixel_shuffle, InternVLMultiModalProjector
Value shuffled(Machine& m, const ImageReader& r, const Value& rows, double views) {
  const double square = r.merge * r.merge, h = rows->shape[2] * square, count = r.rows();
  Value x = m.allocate({views, count, h}, rows->format, "patches, shuffled along one side");
  x = m.allocate({views, count, h}, rows->format, "patches, shuffled");
  x = normalise(m, "layer_norm", r.projector_norm, x);
  return two_dense(m, r, x);
}

Value projected(Machine& m, const ImageReader& r, const Value& rows, double images) {
  const Machine::Scope scope(m, "projector");
  using Kind = ImageReader::Projector;
  switch (r.projector) {
    case Kind::averaged: return averaged(m, r, rows, images);
    case Kind::merged: return merged(m, r, rows, false);
    case Kind::merged_dense: {
      const Value normed = normalise(m, "norm", r.projector_norm, rows);
      return two_dense(m, r, merged_squares(m, r, normed, images));
    }
    case Kind::one_dense: return dense(m, "linear", rows, r.text_width, true);
    case Kind::shuffled:
    case Kind::two_dense: break;
  }
  if (!r.first_dropped) return two_dense(m, r, rows);
  Value without = m.pick(rows, {rows->shape[0], rows->shape[1] - 1, rows->shape[2]});
  if (m.recording && !m.autocast) without = m.copy(without, "rows, contiguous", Layout::token_major);   // what a product saves of a slice
  return r.projector == Kind::shuffled ? shuffled(m, r, without, images * r.views) : two_dense(m, r, without);
}

/// What is left of the views without their borders, a new row's mark behind each line.
/// Source: [transformers] models/llava_next/modeling_llava_next.py LlavaNextModel.pack_image_features
Value repacked(Machine& m, const ImageReader& r, Value rows, double images) {
  m.parameter("image_newline", {r.text_width});
  Value packed = m.allocate({1, images * r.tokens, r.text_width}, rows->format, "image rows, packed");
  rows.drop();
  return packed;
}

/// Adapters are beside the text's linears; what of the tower is trained is said apart.
class Untouched {
 public:
  explicit Untouched(Machine& m, ImageReader::Trained trained) : machine_(m), adaptation_(std::exchange(m.adaptation, nullptr)), trainable_(m.trainable), trained_(trained) {
    m.trainable = trainable_ && trained_ == ImageReader::Trained::all;
  }
  void reach_projector() { machine_.trainable = trainable_ && trained_ != ImageReader::Trained::nothing; }
  ~Untouched() { machine_.adaptation = adaptation_, machine_.trainable = trainable_; }
  Untouched(const Untouched&) = delete;
  Untouched& operator=(const Untouched&) = delete;

 private:
  Machine& machine_;
  const Adaptation* adaptation_;
  bool trainable_;
  ImageReader::Trained trained_;
};

bool any_of(const std::vector<double>& layers, std::size_t layer) {
  return std::find(layers.begin(), layers.end(), static_cast<double>(layer)) != layers.end();
}

}  // namespace

/// Source: [transformers] models/clip/modeling_clip.py CLIPVisionEmbeddings, models/pixtral/modeling_pixtral.py
/// PixtralVisionRotaryEmbedding
std::vector<Value> image_buffers(Machine& m, const ImageReader& r) {
  std::vector<Value> held;
  const AttentionLayer& a = r.tower.layers.front().attention;
  if (r.tower.input.places_looked_up) held.push_back(m.allocate({1, r.patches() + r.tower.input.whole}, int64, "positions", Component::workspace));
  for (int copy = 0; copy < 2 && r.input != ImageReader::Input::squares; ++copy)
    held.push_back(m.allocate({a.head_dim / 4}, fp32, "inverse frequencies of places", Component::workspace));
  return held;
}

Value pixels_of(Machine& m, const ImageReader& r, double images) {
  const InputLayer& in = r.tower.input;
  if (r.input != ImageReader::Input::flattened) return m.allocate({images * r.views, in.channels, r.height, r.width}, m.weight_format, "pixels");
  return m.allocate({images * r.patches(), in.channels * r.patch_frames * in.patch * in.patch}, m.weight_format, "pixels");
}

/// Source: [transformers] models/llava/modeling_llava.py LlavaModel.get_image_features: what the tower gives back is held
/// with the rows made of it; generation/utils.py _prepare_multimodal_encoder_kwargs_for_generation runs it first
SeenImages read_images(Machine& m, const ImageReader& r, double images, const Value& pixels, AttentionKernel kernel, int place) {
  m.begin_layer(place);
  Untouched as_trained(m, r.trained);
  const Machine::Scope scope(m, "vision_tower");
  const bool together = r.input != ImageReader::Input::squares;
  Pass pass;
  pass.causal = false;
  pass.kernel = kernel;
  pass.sequences = together ? 1 : images * r.views;
  std::vector<Value> of_forward;   // held until the tower has run
  const Value flat = r.repacked ? m.allocate(pixels->shape, pixels->format, "pixels, views of all images") : pixels;
  Value rows = image_embeddings(m, r, images, flat, pass, of_forward);
  pass.tokens = rows->shape[1];
  if (r.input != ImageReader::Input::flattened) of_forward.push_back(rows);
  SeenImages seen;
  std::vector<Value> deep;
  m.inside_layers = true;
  Value kept = rows;
  const auto& layers = r.tower.layers;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Machine::Scope layer(m, "layers");
    const auto run_layer = [&r, i, pass](Machine& on, const Value& x) { return r.input == ImageReader::Input::flattened ? flattened_layer(on, r, i, x, pass) : layer_of_views(on, r, i, x, pass); };
    rows = r.checkpointed && (rows->needs_gradient || m.trainable) ? m.checkpoint(rows, run_layer) : run_layer(m, rows);
    if (static_cast<double>(i + 1) == r.kept_layer) kept = rows, seen.first_unread = m.tape.size();
    else if (static_cast<double>(i + 1) < r.kept_layer) kept.drop();
    if (any_of(r.deep_layers, i)) deep.push_back(merged(m, r, rows, true));
  }
  m.inside_layers = false;
  if (r.tower.final_norm && r.projector == ImageReader::Projector::averaged) rows = kept = normalise(m, "post_layernorm", *r.tower.final_norm, rows);
  else if (r.tower.final_norm) normalise(m, "post_layernorm", *r.tower.final_norm, m.pick(rows, {rows->shape[0], rows->shape[2]})).drop();
  seen.end_unread = r.kept_layer < static_cast<double>(layers.size()) ? m.tape.size() : seen.first_unread;
  if (r.projector == ImageReader::Projector::merged) {   // part of the tower's own forward
    seen.rows = projected(m, r, kept, images);
    if (r.window > 0) seen.rows = m.allocate(seen.rows->shape, seen.rows->format, "image rows, in their order");
    let_go(of_forward);
    pass = {};
  } else {
    let_go(of_forward);
    pass = {};
    as_trained.reach_projector();
    seen.rows = projected(m, r, kept, images);
    if (r.repacked) seen.rows = repacked(m, r, std::move(seen.rows), images);
  }
  seen.held = std::move(deep);
  seen.held.push_back(rows);
  seen.held.push_back(kept);
  return seen;
}

bool can_be_trained(const ImageReader& r) {
  using Kind = ImageReader::Projector;
  const bool dense_rows = r.projector == Kind::two_dense || r.projector == Kind::one_dense || r.projector == Kind::averaged;
  return r.input == ImageReader::Input::squares && dense_rows && !r.repacked && !r.layer_scaled && r.deep_layers.empty();
}

namespace {

/// Rows take the places that the mask names; they get the gradient of those places, the embeddings that of the others.
/// Source: [pytorch-derivatives] masked_scatter
void placed_backward(Machine& m, Node& n, Gradients& g) {
  for (int i = 0; i < 2; ++i)
    if (n.wants(i)) g.made[static_cast<std::size_t>(i)] = m.gradient_like(n, i, "gradient by place");
}

}  // namespace

/// Source: [transformers] models/llava/modeling_llava.py LlavaModel.forward, get_placeholder_mask
Value place_images(Machine& m, const ImageReader& r, const Value& rows, Value embeddings, std::vector<Value>& held) {
  if (r.joined)
    for (std::size_t i = 0; i <= r.deep_layers.size(); ++i) held.push_back(m.scale(rows, "image rows, glued"));
  const Value from = r.joined ? held.back() : rows;
  const double b = embeddings->shape[0], s = embeddings->shape[1];
  held.push_back(m.allocate({b, s}, byte_flag, "places of images"));
  const Value mask = held.back();
  if (r.positions_by_sequence) held.push_back(m.allocate({b, s}, byte_flag, "places of videos"));
  if (r.both_ways) held.push_back(m.allocate({b, s}, int64, "numbers of images"));
  Node* node = m.record(placed_backward, {&embeddings, &from});
  m.save(node, mask);
  Value placed = m.allocate(embeddings->shape, embeddings->format, "embeddings with images");
  embeddings.drop();
  return m.bind(node, placed);
}

}  // namespace gpumem
