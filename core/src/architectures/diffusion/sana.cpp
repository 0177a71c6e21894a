#include "layers/diffusion/sana.hpp"

#include <algorithm>

#include "architectures/common.hpp"
#include "architectures/diffusion/pipeline.hpp"

namespace gpumem {

/// Source: [diffusers] models/transformers/sana_transformer.py SanaTransformer2DModel.__init__
std::shared_ptr<PipelinePart> read_sana(Fields& c) {
  auto t = std::make_shared<SanaTransformer>();
  read_sizes(c, *t, {"cross_attention_dim"}, {20, 70, 32, 32, 2240});
  t->caption_width = c.count({"caption_channels"}, 2304, 1, most_width);
  t->text_heads = c.count({"num_cross_attention_heads"}, 20, 1, most_heads);
  const double text_head_dim = c.count({"cross_attention_head_dim"}, 112, 1, most_width);
  t->widening = c.number({"mlp_ratio"}, 2.5, 0.1, 64);
  t->patch = c.count({"patch_size"}, 1, 1, 64);
  t->sample_size = c.count({"sample_size"}, 32, 1, most_width);
  t->biased = c.flag({"attention_bias"}, false);
  t->guided = c.flag({"guidance_embeds"}, false);
  t->placed = c.has("interpolation_scale");
  t->normed = !c.text({"qk_norm"}, "").empty();
  t->wide_latents = true;
  if (t->text_width != t->width() || t->text_heads * text_head_dim != t->width()) c.report("cross_attention_dim", "contradiction", "must be what the text's rows are projected to, heads times their width");
  if (c.flag({"norm_elementwise_affine"}, false)) c.report("norm_elementwise_affine", "unsupported", "is not computed yet");
  return t;
}

namespace {

/// One word for all levels, or a list of them.
std::vector<std::string> read_words(Fields& c, std::string_view name, std::size_t length, std::string_view absent) {
  const Document* given = c.value({name});
  if (!given || !given->is(Document::Kind::list)) return std::vector<std::string>(length, c.text({name}, absent));
  std::vector<std::string> words;
  for (const Document& item : given->items()) words.push_back(item.text());
  words.resize(length, std::string(absent));
  return words;
}

std::vector<DeepAutoencoder::Level> read_levels(Fields& c, const std::string& side, const std::vector<double>& blocks) {
  const std::string prefix = side + "_";
  const Document* widths = c.value({prefix + "block_out_channels"});
  const std::size_t n = widths && widths->is(Document::Kind::list) ? std::clamp<std::size_t>(widths->items().size(), 1, 16) : 6;
  std::vector<double> channels = {128, 256, 512, 512, 1024, 1024}, counts = blocks;
  if (widths) channels = read_counts(c, prefix + "block_out_channels", 128, n, most_width);
  if (c.has(prefix + "layers_per_block")) counts = read_counts(c, prefix + "layers_per_block", 3, n, 64);
  counts.resize(n, 3);
  const std::vector<std::string> kinds = read_words(c, prefix + "block_types", n, "ResBlock");
  const Document* scales = c.value({prefix + "qkv_multiscales"});
  std::vector<DeepAutoencoder::Level> levels;
  for (std::size_t i = 0; i < n; ++i) {
    DeepAutoencoder::Level level{channels[i], counts[i], kinds[i] == "EfficientViTBlock", {}};
    if (!level.attends && kinds[i] != "ResBlock") c.report(prefix + "block_types", "unsupported", text_of({quoted(kinds[i]), " is not computed yet"}));
    const Document* own = scales && scales->is(Document::Kind::list) && i < scales->items().size() ? &scales->items()[i] : nullptr;
    if (!scales && i >= 3) level.scales = {5};
    if (own && own->is(Document::Kind::list))
      for (const Document& kernel : own->items())
        if (kernel.is(Document::Kind::number) && kernel.number() >= 1 && kernel.number() <= 64 && level.scales.size() < 16) level.scales.push_back(kernel.number());
    levels.push_back(std::move(level));
  }
  return levels;
}

}  // namespace

/// Source: [diffusers] models/autoencoders/autoencoder_dc.py AutoencoderDC.__init__
std::shared_ptr<PipelinePart> read_deep_autoencoder(Fields& c) {
  auto v = std::make_shared<DeepAutoencoder>();
  v->latent_channels = c.count({"latent_channels"}, 32, 1, most_width);
  v->image_channels = c.count({"in_channels"}, 3, 1, most_width);
  v->head_dim = c.count({"attention_head_dim"}, 32, 1, most_width);
  v->down = read_levels(c, "encoder", {2, 2, 2, 3, 3, 3});
  v->up = read_levels(c, "decoder", {3, 3, 3, 3, 3, 3});
  v->interpolates = c.text({"upsample_block_type"}, "pixel_shuffle") == "interpolate";
  v->shuffles_down = c.text({"downsample_block_type"}, "pixel_unshuffle") == "pixel_unshuffle";
  v->shortcut_in = c.flag({"decoder_in_shortcut"}, true);
  v->shrinks = std::exp2(static_cast<double>(v->down.size()) - 1);
  v->overlap_height = v->overlap_width = 1.0 / 8;
  for (const auto& [name, known] : {std::pair("decoder_norm_types", "rms_norm"), std::pair("decoder_act_fns", "silu")})
    for (const std::string& word : read_words(c, name, v->up.size(), known))
      if (word != known) c.report(name, "unsupported", text_of({quoted(word), " is not computed yet"}));
  for (const auto* levels : {&v->down, &v->up})
    if (levels->front().blocks <= 0) c.report("decoder_layers_per_block", "unsupported", "no blocks on the first level are not computed yet");
  return v;
}

}  // namespace gpumem
