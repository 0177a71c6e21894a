#include "layers/diffusion/flux2.hpp"

#include "architectures/common.hpp"
#include "architectures/diffusion/pipeline.hpp"

namespace gpumem {

/// Source: [diffusers] models/transformers/transformer_flux2.py Flux2Transformer2DModel.__init__
std::shared_ptr<PipelinePart> read_flux2(Fields& c) {
  auto t = std::make_shared<Flux2Transformer>();
  const double patch = c.count({"patch_size"}, 1, 1, 64);
  t->layers = c.count({"num_layers"}, 8, 1, most_layers);
  t->single_layers = c.count({"num_single_layers"}, 48, 1, most_layers);
  t->heads = c.count({"num_attention_heads"}, 48, 1, most_heads);
  t->head_dim = c.count({"attention_head_dim"}, 128, 1, most_width);
  t->in_channels = c.count({"in_channels"}, 128, 1, most_width);
  t->out_channels = patch * patch * c.count({"out_channels"}, t->in_channels, 1, most_width);
  t->text_width = c.count({"joint_attention_dim"}, 15360, 1, most_width);
  t->waves = c.count({"timestep_guidance_channels"}, 256, 2, most_width);
  t->widening = c.number({"mlp_ratio"}, 3, 0.1, 64);
  t->guided = c.flag({"guidance_embeds"}, true);
  return t;
}

}  // namespace gpumem
