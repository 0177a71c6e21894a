#include <algorithm>

#include "architectures/common.hpp"
#include "architectures/diffusion/pipeline.hpp"
#include "layers/diffusion/autoencoder.hpp"
#include "layers/diffusion/video_autoencoder.hpp"

namespace gpumem {

/// Source: [diffusers] models/autoencoders/autoencoder_kl.py AutoencoderKL.__init__
std::shared_ptr<PipelinePart> read_image_autoencoder(Fields& c) {
  auto v = std::make_shared<ImageAutoencoder>();
  const Document* blocks = c.value({"up_block_types"});
  const std::size_t n = blocks && blocks->is(Document::Kind::list) ? blocks->items().size() : 1;
  v->channels = read_counts(c, "block_out_channels", 64, std::clamp<std::size_t>(n, 1, 16), most_width);
  v->image_channels = c.count({"out_channels"}, 3, 1, most_width);
  v->latent_channels = c.count({"latent_channels"}, 4, 1, most_width);
  v->resnets = c.count({"layers_per_block"}, 1, 1, 64);
  v->groups = c.count({"norm_num_groups"}, 32, 1, most_width);
  v->tile_height = v->tile_width = c.count({"sample_size"}, 32, 1, most_width);
  v->quant = c.flag({"use_quant_conv"}, true);
  v->post_quant = c.flag({"use_post_quant_conv"}, true);
  v->mid_attends = c.flag({"mid_block_add_attention"}, true);
  v->upcast = c.flag({"force_upcast"}, true);
  for (std::size_t i = 1; i < v->channels.size(); ++i) v->shrinks = i == 1 ? 2 : v->shrinks * 2;
  return v;
}

/// Source: [diffusers] models/autoencoders/autoencoder_kl_wan.py AutoencoderKLWan.__init__
std::shared_ptr<PipelinePart> read_wan_autoencoder(Fields& c) {
  auto v = std::make_shared<WanAutoencoder>();
  const double base = c.count({"base_dim"}, 96, 1, most_width);
  const double decoder_base = c.count({"decoder_base_dim"}, base, 1, most_width);
  const Document* given = c.value({"dim_mult"});
  std::vector<double> times = {1, 2, 4, 4};
  if (given && given->is(Document::Kind::list)) times = read_counts(c, "dim_mult", 1, std::min<std::size_t>(given->items().size(), 16), 1024);
  if (times.empty()) times.push_back(1);
  for (const double t : times) {
    v->widths.push_back(base * t);
    v->decoder_widths.push_back(decoder_base * t);
  }
  v->shrinks_frames = {false, true, true};
  if (const Document* shrinks = c.value({"temperal_downsample"}); shrinks && shrinks->is(Document::Kind::list)) {
    v->shrinks_frames.clear();
    for (const Document& item : shrinks->items()) v->shrinks_frames.push_back(item.truth());
  }
  v->shrinks_frames.resize(times.size(), false);
  v->latent_channels = c.count({"z_dim"}, 16, 1, most_width);
  v->resnets = c.count({"num_res_blocks"}, 2, 1, 64);
  v->in_channels = c.count({"in_channels", "input_channels"}, 3, 1, most_width);
  v->out_channels = c.count({"out_channels"}, v->in_channels, 1, most_width);
  v->residual = c.flag({"is_residual"}, false);
  v->patch = c.count({"patch_size"}, 1, 1, 16);
  v->shrinks = c.count({"scale_factor_spatial"}, 8, 1, 64);
  v->tile_height = v->tile_width = 256;
  v->shrinks_time = c.count({"scale_factor_temporal"}, 4, 1, 64);
  v->wide_latents = c.text({"_class_name"}, "") != "AutoencoderKLQwenImage";
  return v;
}

/// Source: [diffusers] models/autoencoders/autoencoder_kl_cogvideox.py AutoencoderKLCogVideoX.__init__
std::shared_ptr<PipelinePart> read_cogvideox_autoencoder(Fields& c) {
  auto v = std::make_shared<CogVideoXAutoencoder>();
  const Document* given = c.value({"block_out_channels"});
  v->widths = {128, 256, 256, 512};
  if (given && given->is(Document::Kind::list) && !given->items().empty()) v->widths = read_counts(c, "block_out_channels", 128, std::min<std::size_t>(given->items().size(), 16), most_width);
  v->latent_channels = c.count({"latent_channels"}, 16, 1, most_width);
  v->resnets = c.count({"layers_per_block"}, 3, 1, 64);
  v->shrinks_time = c.count({"temporal_compression_ratio"}, 4, 1, 64);
  v->groups = c.count({"norm_num_groups"}, 32, 1, most_width);
  v->tile_height = std::floor(c.count({"sample_height"}, 480, 2, most_width) / 2);
  v->tile_width = std::floor(c.count({"sample_width"}, 720, 2, most_width) / 2);
  v->overlap_height = 1.0 / 6;
  v->overlap_width = 1.0 / 5;
  return v;
}

}  // namespace gpumem
