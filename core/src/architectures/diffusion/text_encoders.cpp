#include "layers/diffusion/text_encoders.hpp"

#include "architectures/common.hpp"
#include "architectures/diffusion/pipeline.hpp"
#include "architectures/encoder_architecture.hpp"

namespace gpumem {

/// Source: [transformers] models/clip/configuration_clip.py CLIPTextConfig
std::shared_ptr<PipelinePart> read_clip_text(Fields& c) {
  auto t = std::make_shared<ClipTextEncoder>();
  t->vocabulary = c.count({"vocab_size"}, 49408, 1, most_vocabulary);
  t->hidden = c.count({"hidden_size"}, 512, 1, most_width);
  t->width = c.count({"intermediate_size"}, 2048, 1, most_width);
  t->layers = c.count({"num_hidden_layers"}, 12, 1, most_layers);
  t->heads = c.count({"num_attention_heads"}, 8, 1, most_heads);
  t->positions = c.count({"max_position_embeddings"}, 77, 1, most_tokens);
  t->quick = c.text({"hidden_act"}, "quick_gelu") == "quick_gelu";
  if (made_for(c, "WithProjection")) t->projection = c.count({"projection_dim"}, 512, 1, most_width);
  return t;
}

/// Source: [transformers] models/t5/configuration_t5.py T5Config, models/umt5/configuration_umt5.py UMT5Config
std::shared_ptr<PipelinePart> read_t5_text(Fields& c) {
  auto t = std::make_shared<T5TextEncoder>();
  const bool everywhere = c.text({"model_type"}, "t5") == "umt5";
  t->biased_everywhere = everywhere;
  t->vocabulary = c.count({"vocab_size"}, everywhere ? 250112 : 32128, 1, most_vocabulary);
  t->hidden = c.count({"d_model"}, 512, 1, most_width);
  t->width = c.count({"d_ff"}, everywhere ? 1024 : 2048, 1, most_width);
  t->layers = c.count({"num_layers"}, everywhere ? 8 : 6, 1, most_layers);
  t->heads = c.count({"num_heads"}, everywhere ? 6 : 8, 1, most_heads);
  t->head_dim = c.count({"d_kv"}, 64, 1, most_width);
  t->buckets = c.count({"relative_attention_num_buckets"}, 32, 1, most_width);
  t->gated = c.text({"feed_forward_proj"}, everywhere ? "gated-gelu" : "relu").rfind("gated", 0) == 0;
  t->by_silu = t->gated && c.text({"feed_forward_proj"}, "gated-gelu") == "gated-silu";
  return t;
}

}  // namespace gpumem
