#include "layers/diffusion/transformers.hpp"
#include "layers/diffusion/qwen_image.hpp"
#include "layers/diffusion/z_image.hpp"

#include "architectures/common.hpp"
#include "architectures/diffusion/pipeline.hpp"

namespace gpumem {

void read_sizes(Fields& c, DiffusionTransformer& t, Names text, const UsualSizes& d) {
  t.layers = c.count({"num_layers"}, d.layers, 1, most_layers);
  t.heads = c.count({"num_attention_heads"}, d.heads, 1, most_heads);
  t.head_dim = c.count({"attention_head_dim"}, d.head_dim, 1, most_width);
  t.in_channels = c.count({"in_channels"}, d.in_channels, 1, most_width);
  t.out_channels = c.count({"out_channels"}, t.in_channels, 1, most_width);
  t.text_width = c.count(text, d.text_width, 1, most_width);
}

/// Source: [diffusers] models/transformers/transformer_flux.py FluxTransformer2DModel.__init__
std::shared_ptr<PipelinePart> read_flux(Fields& c) {
  auto t = std::make_shared<FluxTransformer>();
  read_sizes(c, *t, {"joint_attention_dim"}, {19, 24, 128, 64, 4096});
  t->single_layers = c.count({"num_single_layers"}, 38, 1, most_layers);
  t->pooled_width = c.count({"pooled_projection_dim"}, 768, 1, most_width);
  t->guided = c.flag({"guidance_embeds"}, false);
  t->rotary = t->head_dim;
  t->patch = 2;       // the pipeline packs four latents into one
  t->packed = true;
  if (c.text({"_class_name"}, "") != "ChromaTransformer2DModel") return t;
  // Source: [diffusers] models/transformers/transformer_chroma.py ChromaTransformer2DModel.__init__
  t->pruned = true;
  t->guided = false;
  t->condition_waves = c.count({"approximator_num_channels"}, 64, 4, most_width);
  t->condition_width = c.count({"approximator_hidden_dim"}, 5120, 1, most_width);
  t->condition_layers = c.count({"approximator_layers"}, 5, 1, 256);
  return t;
}

/// Source: [diffusers] models/transformers/pixart_transformer_2d.py PixArtTransformer2DModel.__init__
std::shared_ptr<PipelinePart> read_pixart(Fields& c) {
  auto t = std::make_shared<PixArtTransformer>();
  read_sizes(c, *t, {"caption_channels"}, {28, 16, 72, 4, 4096});
  t->out_channels = c.count({"out_channels"}, 8, 1, most_width);
  t->patch = c.count({"patch_size"}, 2, 1, 64);
  t->sample_size = c.count({"sample_size"}, 128, 1, most_width);
  t->sized = c.flag({"use_additional_conditions"}, t->sample_size == 128);
  return t;
}

/// Source: [diffusers] models/transformers/transformer_sd3.py SD3Transformer2DModel.__init__
std::shared_ptr<PipelinePart> read_sd3(Fields& c) {
  auto t = std::make_shared<Sd3Transformer>();
  read_sizes(c, *t, {"joint_attention_dim"}, {18, 18, 64, 16, 4096});
  t->caption_width = c.count({"caption_projection_dim"}, 1152, 1, most_width);
  t->pooled_width = c.count({"pooled_projection_dim"}, 2048, 1, most_width);
  t->patch = c.count({"patch_size"}, 2, 1, 64);
  t->positions = c.count({"pos_embed_max_size"}, 96, 1, most_width);
  t->query_norm = !c.text({"qk_norm"}, "").empty();
  const Document* dual = c.value({"dual_attention_layers"});
  if (dual && dual->is(Document::Kind::list)) t->dual_layers = static_cast<double>(dual->items().size());   // the first ones
  return t;
}

/// Source: [diffusers] models/transformers/transformer_wan.py WanTransformer3DModel.__init__
std::shared_ptr<PipelinePart> read_wan(Fields& c) {
  auto t = std::make_shared<WanTransformer>();
  read_sizes(c, *t, {"text_dim"}, {40, 40, 128, 16, 4096});
  t->out_channels = c.count({"out_channels"}, 16, 1, most_width);
  t->feed_width = c.count({"ffn_dim"}, 13824, 1, most_width);
  t->waves = c.count({"freq_dim"}, 256, 1, most_width);
  t->places = c.count({"rope_max_seq_len"}, 1024, 1, most_width);
  t->cross_norm = c.flag({"cross_attn_norm"}, true);
  const Document* patch = c.value({"patch_size"});
  t->patch = patch && patch->is(Document::Kind::list) && patch->items().size() == 3 ? patch->items()[2].number() : 2;
  if (!(t->patch >= 1 && t->patch <= 64)) c.report("patch_size", "out-of-range", "must be three whole numbers");
  for (const std::string_view name : {"image_dim", "added_kv_proj_dim"})
    if (c.has(name)) c.report(name, "unsupported", "conditions on images are not computed yet");
  return t;
}

/// Source: [diffusers] models/transformers/cogvideox_transformer_3d.py CogVideoXTransformer3DModel.__init__
std::shared_ptr<PipelinePart> read_cogvideox(Fields& c) {
  auto t = std::make_shared<CogVideoXTransformer>();
  read_sizes(c, *t, {"text_embed_dim"}, {30, 30, 64, 16, 4096});
  t->out_channels = c.count({"out_channels"}, 16, 1, most_width);
  t->patch = c.count({"patch_size"}, 2, 1, 64);
  t->time_width = c.count({"time_embed_dim"}, 512, 1, most_width);
  t->prompt_tokens = c.count({"max_text_seq_length"}, 226, 1, most_tokens);
  t->sample_width = c.count({"sample_width"}, 90, 1, most_width);
  t->sample_height = c.count({"sample_height"}, 60, 1, most_width);
  t->sample_frames = c.count({"sample_frames"}, 49, 1, most_width);
  t->shrinks_time = c.count({"temporal_compression_ratio"}, 4, 1, 64);
  t->rotary = c.flag({"use_rotary_positional_embeddings"}, false);
  t->frames_first = true;
  for (const std::string_view name : {"patch_size_t", "ofs_embed_dim"})
    if (c.has(name)) c.report(name, "unsupported", "is not computed yet");
  return t;
}

/// Source: [diffusers] models/transformers/transformer_qwenimage.py QwenImageTransformer2DModel.__init__
std::shared_ptr<PipelinePart> read_qwen_image(Fields& c) {
  auto t = std::make_shared<QwenImageTransformer>();
  read_sizes(c, *t, {"joint_attention_dim"}, {60, 24, 128, 64, 3584});
  t->out_channels = c.count({"out_channels"}, 16, 1, most_width);
  t->latent_patch = c.count({"patch_size"}, 2, 1, 64);
  t->patch = 2;       // the pipeline packs four latents into one
  t->packed = true;
  for (const std::string_view name : {"guidance_embeds", "zero_cond_t", "use_additional_t_cond", "use_layer3d_rope"})
    if (c.flag({name}, false)) c.report(name, "unsupported", "is not computed yet");
  return t;
}

/// Source: [diffusers] models/transformers/transformer_z_image.py ZImageTransformer2DModel.__init__
std::shared_ptr<PipelinePart> read_z_image(Fields& c) {
  auto t = std::make_shared<ZImageTransformer>();
  t->layers = c.count({"n_layers"}, 30, 1, most_layers);
  t->refiners = c.count({"n_refiner_layers"}, 2, 0, most_layers);
  t->heads = c.count({"n_heads"}, 30, 1, most_heads);
  t->width = c.count({"dim"}, 3840, 1, most_width);
  t->in_channels = c.count({"in_channels"}, 16, 1, most_width);
  t->text_width = c.count({"cap_feat_dim"}, 2560, 1, most_width);
  t->query_norm = c.flag({"qk_norm"}, true);
  t->patch = 2;
  t->wide_latents = true;
  if (c.has("siglip_feat_dim")) c.report("siglip_feat_dim", "unsupported", "conditions on images are not computed yet");
  for (const auto& [name, usual] : {std::pair("all_patch_size", 2.0), std::pair("all_f_patch_size", 1.0)})
    if (const std::vector<double> sizes = read_counts(c, name, usual, 1, 64); sizes.front() != usual) c.report(name, "unsupported", text_of({"is computed for ", number_text(usual), " so far"}));
  return t;
}

}  // namespace gpumem
