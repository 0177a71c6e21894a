#include "layers/diffusion/hunyuan_video.hpp"

#include "architectures/common.hpp"
#include "architectures/diffusion/pipeline.hpp"

namespace gpumem {

/// Source: [diffusers] models/transformers/transformer_hunyuan_video.py HunyuanVideoTransformer3DModel.__init__
std::shared_ptr<PipelinePart> read_hunyuan_video(Fields& c) {
  auto t = std::make_shared<HunyuanVideoTransformer>();
  read_sizes(c, *t, {"text_embed_dim"}, {20, 24, 128, 16, 4096});
  t->out_channels = c.count({"out_channels"}, 16, 1, most_width);
  t->single_layers = c.count({"num_single_layers"}, 40, 1, most_layers);
  t->refiners = c.count({"num_refiner_layers"}, 2, 0, most_layers);
  t->pooled_width = c.count({"pooled_projection_dim"}, 768, 1, most_width);
  t->patch = c.count({"patch_size"}, 2, 1, 64);
  t->widening = c.number({"mlp_ratio"}, 4, 0.1, 64);
  t->guided = c.flag({"guidance_embeds"}, true);
  if (c.count({"patch_size_t"}, 1, 1, 64) != 1) c.report("patch_size_t", "unsupported", "is computed for 1 so far");
  if (c.has("image_condition_type")) c.report("image_condition_type", "unsupported", "conditions on images are not computed yet");
  return t;
}

/// Source: [diffusers] models/autoencoders/autoencoder_kl_hunyuan_video.py AutoencoderKLHunyuanVideo.__init__
std::shared_ptr<PipelinePart> read_hunyuan_autoencoder(Fields& c) {
  auto v = std::make_shared<HunyuanVideoAutoencoder>();
  const Document* given = c.value({"block_out_channels"});
  v->widths = {128, 256, 512, 512};
  if (given && given->is(Document::Kind::list) && !given->items().empty()) v->widths = read_counts(c, "block_out_channels", 128, std::min<std::size_t>(given->items().size(), 16), most_width);
  v->latent_channels = c.count({"latent_channels"}, 16, 1, most_width);
  v->image_channels = c.count({"out_channels"}, 3, 1, most_width);
  v->resnets = c.count({"layers_per_block"}, 2, 1, 64);
  v->groups = c.count({"norm_num_groups"}, 32, 1, most_width);
  v->mid_attends = c.flag({"mid_block_add_attention"}, true);
  v->shrinks = c.count({"spatial_compression_ratio"}, 8, 1, 64);
  v->shrinks_time = c.count({"temporal_compression_ratio"}, 4, 4, 4);
  v->wide_latents = true;
  v->tile_height = v->tile_width = 256;
  const double halvings = std::log2(v->shrinks), last = static_cast<double>(v->widths.size()) - 1;
  for (double i = 0; i <= last; ++i) {
    v->grows.push_back(i < halvings);
    v->grows_time.push_back(i >= last - std::log2(v->shrinks_time) && i < last);
    if (v->grows_time.back() && !v->grows.back()) c.report("spatial_compression_ratio", "unsupported", "time that grows alone is not computed yet");
  }
  return v;
}

}  // namespace gpumem
