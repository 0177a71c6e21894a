#include "architectures/diffusion/ltx.hpp"

#include "architectures/common.hpp"
#include "architectures/diffusion/pipeline.hpp"
#include "layers/diffusion/ltx.hpp"

namespace gpumem {

/// Source: [diffusers] models/transformers/transformer_ltx.py LTXVideoTransformer3DModel.__init__
std::shared_ptr<PipelinePart> read_ltx(Fields& c) {
  auto t = std::make_shared<LtxTransformer>();
  t->layers = c.count({"num_layers"}, 28, 1, most_layers);
  t->heads = c.count({"num_attention_heads"}, 32, 1, most_heads);
  t->head_dim = c.count({"attention_head_dim"}, 64, 1, most_width);
  t->in_channels = c.count({"in_channels"}, 128, 1, most_width);
  t->out_channels = c.count({"out_channels"}, t->in_channels, 1, most_width);
  t->text_width = c.count({"cross_attention_dim"}, 2048, 1, most_width);
  t->caption_width = c.count({"caption_channels"}, 4096, 1, most_width);
  t->biased = c.flag({"attention_bias"}, true);
  t->out_biased = c.flag({"attention_out_bias"}, true);
  t->packed = true;
  if (t->text_width != t->width()) c.report("cross_attention_dim", "contradiction", "must be what the text's rows are projected to, heads times their width");
  for (const std::string_view name : {"patch_size", "patch_size_t"})
    if (c.count({name}, 1, 1, 64) != 1) c.report(name, "unsupported", "is computed for 1 so far");
  return t;
}

/// Source: [diffusers] models/autoencoders/autoencoder_kl_ltx.py AutoencoderKLLTXVideo.__init__
std::shared_ptr<PipelinePart> read_ltx_autoencoder(Fields& c) {
  auto v = std::make_shared<LtxAutoencoder>();
  const auto levels_of = [&](std::string_view name, std::size_t usual) {
    const Document* given = c.value({name});
    return given && given->is(Document::Kind::list) ? std::min<std::size_t>(given->items().size(), 16) : usual;
  };
  const std::size_t levels = std::max<std::size_t>(levels_of("block_out_channels", 4), 1);
  v->widths = c.has("block_out_channels") ? read_counts(c, "block_out_channels", 128, levels, most_width) : std::vector<double>{128, 256, 512, 512};
  v->resnets = c.has("layers_per_block") ? read_counts(c, "layers_per_block", 3, levels + 1, 64) : std::vector<double>{4, 3, 3, 3, 4};
  v->scaled = {true, true, true, false};
  if (const Document* given = c.value({"spatio_temporal_scaling"}); given && given->is(Document::Kind::list)) {
    v->scaled.clear();
    for (const Document& item : given->items()) v->scaled.push_back(item.truth());
  }
  v->scaled.resize(levels, false);
  v->resnets.resize(levels + 1, 3);
  v->latent_channels = c.count({"latent_channels"}, 128, 1, most_width);
  v->image_channels = c.count({"out_channels"}, 3, 1, most_width);
  v->patch = c.count({"patch_size"}, 4, 1, 16);
  v->shrinks = v->patch;
  v->shrinks_time = c.count({"patch_size_t"}, 1, 1, 16);
  for (const bool scales : v->scaled) {
    v->shrinks *= scales ? 2 : 1;
    v->shrinks_time *= scales ? 2 : 1;
  }
  v->wide_latents = true;
  v->tile_height = v->tile_width = 512;
  v->overlap_height = v->overlap_width = 1.0 / 8;
  if (c.flag({"timestep_conditioning"}, false)) c.report("timestep_conditioning", "unsupported", "a decoder that reads a timestep is not computed yet");
  if (c.flag({"decoder_causal"}, false)) c.report("decoder_causal", "unsupported", "is not computed yet");
  return v;
}

}  // namespace gpumem
