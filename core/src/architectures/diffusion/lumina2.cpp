#include "layers/diffusion/lumina2.hpp"

#include "architectures/common.hpp"
#include "architectures/diffusion/pipeline.hpp"

namespace gpumem {

/// Source: [diffusers] models/transformers/transformer_lumina2.py Lumina2Transformer2DModel.__init__, models/attention.py LuminaFeedForward.__init__
std::shared_ptr<PipelinePart> read_lumina2(Fields& c) {
  auto t = std::make_shared<Lumina2Transformer>();
  const double width = c.count({"hidden_size"}, 2304, 1, most_width), multiple = c.count({"multiple_of"}, 256, 1, most_width);
  t->layers = c.count({"num_layers"}, 26, 1, most_layers);
  t->refiners = c.count({"num_refiner_layers"}, 2, 0, most_layers);
  t->heads = c.count({"num_attention_heads"}, 24, 1, most_heads);
  t->kv_heads = c.count({"num_kv_heads"}, 8, 1, most_heads);
  t->head_dim = std::floor(width / t->heads);
  t->in_channels = c.count({"in_channels"}, 16, 1, most_width);
  t->out_channels = c.count({"out_channels"}, t->in_channels, 1, most_width);
  t->text_width = c.count({"cap_feat_dim"}, 1024, 1, most_width);
  t->patch = c.count({"patch_size"}, 2, 1, 64);
  t->feed_width = std::ceil(std::floor(c.number({"ffn_dim_multiplier"}, 1, 0.01, 64) * 4 * width) / multiple) * multiple;
  if (t->width() != width) c.report("hidden_size", "not-divisible", "must be a multiple of num_attention_heads");
  return t;
}

}  // namespace gpumem
