// What towers read of pixels, and layers over the patches of several images one behind the other.

#include "layers/image_layers.hpp"

#include <algorithm>

#include "layers/attention.hpp"
#include "layers/block.hpp"
#include "layers/dense.hpp"
#include "layers/encoder_run.hpp"
#include "layers/mlp.hpp"
#include "layers/norms.hpp"
#include "layers/rotary.hpp"

namespace gpumem {
namespace {

/// Source: [transformers] models/pixtral/modeling_pixtral.py PixtralVisionModel.forward, generate_block_attention_mask
Value packed_embeddings(Machine& m, const ImageReader& r, double images, const Value& pixels, Pass& pass, std::vector<Value>& held) {
  const InputLayer& in = r.tower.input;
  const double count = images * r.patches(), h = in.width;
  const Value weight = m.parameter("patch_conv.weight", {h, in.channels, in.patch, in.patch});
  held.push_back(m.convolve(pixels, weight, {}, {images, h, r.patches()}, "patches"));
  Value rows = m.allocate({1, count, h}, held.back()->format, "patches, one behind the other");
  rows = normalise(m, "ln_pre", *in.norm, rows);
  held.push_back(m.allocate({count, 2}, int64, "places"));
  pass.rotary[0] = rotary_tables(m, r.tower.layers.front().attention, count, rows->format);
  if (pass.kernel != AttentionKernel::flash) pass.mask[0] = m.allocate({1, 1, count, count}, rows->format, "mask by image");
  return rows;
}

/// A grid of learned places, of which each patch takes a mean of four.
/// Source: [transformers] models/qwen3_vl/modeling_qwen3_vl.py Qwen3VLVisionModel.forward
Value add_stretched_places(Machine& m, const ImageReader& r, const Value& rows, std::vector<Value>& held) {
  const double count = rows->shape[1], h = rows->shape[2];
  const Value numbers = m.allocate({count, 4}, int64, "corners"), shares = m.allocate({count, 4}, fp32, "shares of corners");
  held.push_back(numbers);
  held.push_back(shares);
  const Value table = m.parameter("pos_embed.weight", {r.position_rows, h});
  Value four = m.embedding(numbers, table, "corners' places");
  four = m.multiply(four, m.view(shares, {count, 4, 1}));
  const Value summed = m.allocate({1, count, h}, fp32, "places");
  four.drop();
  held.push_back(summed);
  return m.add(rows, m.cast(summed, rows->format));
}

/// Source: [transformers] models/qwen2_vl/modeling_qwen2_vl.py PatchEmbed.forward,
/// models/qwen2_5_vl/modeling_qwen2_5_vl.py Qwen2_5_VisionTransformerPretrainedModel.forward
Value flattened_embeddings(Machine& m, const ImageReader& r, const Value& pixels, Pass& pass, std::vector<Value>& held) {
  const InputLayer& in = r.tower.input;
  const double count = pixels->shape[0], h = in.width, dim = r.tower.layers.front().attention.head_dim;
  held.push_back(m.allocate({count, 2}, int64, "places"));
  if (r.window > 0) held.push_back(m.allocate({count / (r.merge * r.merge)}, int64, "order by windows"));
  const Value weight = m.parameter("patch_embed.weight", {h, in.channels * r.patch_frames, in.patch, in.patch});
  const Value bias = in.patch_bias ? m.parameter("patch_embed.bias", {h}) : Value();
  Value rows = m.convolve(pixels, weight, bias, {1, count, h}, "patches");
  if (r.position_rows > 0) rows = add_stretched_places(m, r, rows, held);
  if (r.window > 0) rows = m.allocate(rows->shape, rows->format, "patches, by windows");
  const auto table = [&](const char* label) { return m.allocate({1, count, dim}, fp32, label); };
  pass.rotary[0] = {table("cos"), table("sin")};
  if (r.window > 0) pass.rotary[0] = {table("cos, by windows"), table("sin, by windows")};
  return rows;
}

/// One image's patches, or one window's: the longest; a window at the border is smaller.
double longest_stretch(const ImageReader& r, std::size_t layer) {
  const bool whole = r.window == 0 || std::find(r.whole_layers.begin(), r.whole_layers.end(), static_cast<double>(layer)) != r.whole_layers.end();
  if (whole) return r.patches();
  return std::min(r.window, r.patches_across()) * std::min(r.window, r.patches_down());
}

/// Stretches that see themselves alone are one call of a flash kernel; other kernels take them one by one.
/// Source: [transformers] models/qwen2_5_vl/modeling_qwen2_5_vl.py Qwen2_5_VLVisionAttention.forward
Value attended_by_stretch(Machine& m, const AttentionLayer& a, const Pass& pass, double stretch, const Value& q, const Value& k, const Value& v) {
  const double count = pass.tokens, width = a.heads * a.head_dim;
  if (pass.kernel == AttentionKernel::flash) return attend(m, a, pass, q, k, v).output;
  const auto part = [&](const Value& x) {
    Value view = m.view(x, {1, a.heads, stretch, a.head_dim});
    view->layout = x->layout;
    return view;
  };
  Pass own = pass;
  own.tokens = stretch;
  const Value others = count > stretch ? m.allocate({1, count - stretch, width}, q->format, "attention output of other stretches") : Value();
  const Value last = attend(m, a, own, part(q), part(k), part(v)).output;
  return m.allocate({1, count, width}, q->format, "attention output, glued");
}

Value attention_in_stretches(Machine& m, const AttentionLayer& a, const Value& x, const Pass& pass, double stretch) {
  const Machine::Scope scope(m, "attn");
  const double width = a.heads * a.head_dim;
  const Value joint = dense(m, "qkv", x, 3 * width, true);
  const auto parts = m.split(joint, {width, width, width});
  auto [q, k] = rotate(m, a, pass.rotary[0], m.heads(parts[0], a.heads), m.heads(parts[1], a.heads));
  const Value v = m.heads(parts[2], a.heads);
  const Value out = attended_by_stretch(m, a, pass, stretch, q, k, v);
  return dense(m, "proj", out, x->shape[-1], true);
}

}  // namespace

Value image_embeddings(Machine& m, const ImageReader& r, double images, const Value& pixels, Pass& pass, std::vector<Value>& held) {
  const Machine::Scope scope(m, "embeddings");
  switch (r.input) {
    case ImageReader::Input::packed: return packed_embeddings(m, r, images, pixels, pass, held);
    case ImageReader::Input::flattened: return flattened_embeddings(m, r, pixels, pass, held);
    case ImageReader::Input::squares: break;
  }
  return embed_patches(m, r.tower.input, r.tower.input.width, pixels);
}

/// Source: [transformers] models/internvl/modeling_internvl.py InternVLVisionLayer.forward
Value layer_of_views(Machine& m, const ImageReader& r, std::size_t layer, const Value& rows, const Pass& pass) {
  const DecoderLayer& l = r.tower.layers[layer];
  if (!r.layer_scaled) return decoder_layer(m, l, rows, pass);
  const auto scaled = [&](const char* name, const Value& x) { return m.multiply(m.parameter(name, {x->shape[2]}), x); };
  Value attended = attention(m, l.attention, normalise(m, "layernorm_before", l.norm, rows), pass).output;
  attended = scaled("lambda_1", attended);   // held until the layer's end
  const Value x = m.add(attended, rows);
  Value made = normalise(m, "layernorm_after", l.norm, x);
  made = mlp(m, l.mlp, std::move(made));
  made = scaled("lambda_2", made);
  return m.add(std::move(made), x);
}

Value flattened_layer(Machine& m, const ImageReader& r, std::size_t layer, Value rows, const Pass& pass) {
  const DecoderLayer& l = r.tower.layers[layer];
  const double stretch = std::min(longest_stretch(r, layer), rows->shape[1]);
  Value made = attention_in_stretches(m, l.attention, normalise(m, "norm1", l.norm, rows), pass, stretch);
  const Value x = m.add(std::move(rows), std::move(made));
  made = mlp(m, l.mlp, normalise(m, "norm2", l.norm, x));
  return m.add(x, std::move(made));
}

}  // namespace gpumem
