#include "layers/diffusion/aura_flow.hpp"

#include "architectures/common.hpp"
#include "architectures/diffusion/pipeline.hpp"

namespace gpumem {

/// Source: [diffusers] models/transformers/auraflow_transformer_2d.py AuraFlowTransformer2DModel.__init__
std::shared_ptr<PipelinePart> read_aura_flow(Fields& c) {
  auto t = std::make_shared<AuraFlowTransformer>();
  t->layers = c.count({"num_mmdit_layers"}, 4, 0, most_layers);
  t->single_layers = c.count({"num_single_dit_layers"}, 32, 0, most_layers);
  t->heads = c.count({"num_attention_heads"}, 12, 1, most_heads);
  t->head_dim = c.count({"attention_head_dim"}, 256, 1, most_width);
  t->in_channels = c.count({"in_channels"}, 4, 1, most_width);
  t->out_channels = c.count({"out_channels"}, 4, 1, most_width);
  t->text_width = c.count({"joint_attention_dim"}, 2048, 1, most_width);
  t->patch = c.count({"patch_size"}, 2, 1, 64);
  t->places = c.count({"pos_embed_max_size"}, 1024, 1, most_tokens);
  if (c.count({"caption_projection_dim"}, 3072, 1, most_width) != t->width()) c.report("caption_projection_dim", "contradiction", "must be as wide as the heads together");
  return t;
}

}  // namespace gpumem
