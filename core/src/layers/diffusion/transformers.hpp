#pragma once
// Denoisers that are transformers.
// Source: [diffusers] src/diffusers/models/transformers/

#include "layers/diffusion/components.hpp"

namespace gpumem {

/// Sizes that all of them have.
class DiffusionTransformer : public Denoiser {
 public:
  double layers = 19, heads = 24, head_dim = 128, text_width = 4096, pooled_width = 768, out_channels = 64;
  [[nodiscard]] double width() const { return heads * head_dim; }
};

class FluxTransformer : public DiffusionTransformer {
 public:
  double single_layers = 38, rotary = 128;
  bool guided = false;   ///< by an input of its own
  /// Chroma: one small network makes every block's conditions, and padding of the prompt is masked.
  bool pruned = false;
  double condition_waves = 64, condition_width = 5120, condition_layers = 5;
  void declare(Machine& m) const override;
  std::vector<Value> buffers(Machine& m) const override;
  Value predict(Machine& m, const DenoiserInput& in) const override;

 private:
  struct Streams {
    Value text, image;   ///< of single blocks without text: both together
  };
  [[nodiscard]] double all_conditions() const { return 3 * single_layers + 12 * layers + 2; }
  Value approximate(Machine& m, double batch) const;
  Value rows(Machine& m, const char* name, const Value& time, double count) const;
  Streams attend(Machine& m, const Value& image, const Value& text) const;
  Streams double_block(Machine& m, const Streams& x, const Value& time) const;
  Streams single_block(Machine& m, const Streams& x, const Value& time) const;
  Value clipped(Machine& m, Value x) const;
};

class PixArtTransformer : public DiffusionTransformer {
 public:
  double sample_size = 128;
  bool sized = false;   ///< conditions on sizes and ratios
  void declare(Machine& m) const override;
  std::vector<Value> buffers(Machine& m) const override;
  Value predict(Machine& m, const DenoiserInput& in) const override;

 private:
  Value block(Machine& m, const Value& x, const Value& text, const Value& time) const;
};

class Sd3Transformer : public DiffusionTransformer {
 public:
  double positions = 192, dual_layers = 0, caption_width = 1536;
  bool query_norm = false;
  void declare(Machine& m) const override;
  std::vector<Value> buffers(Machine& m) const override;
  Value predict(Machine& m, const DenoiserInput& in) const override;

 private:
  struct Streams {
    Value text, image;
  };
  Streams attend(Machine& m, const Value& image, const Value& text, bool last) const;
  Streams block(Machine& m, const Streams& x, const Value& time, bool dual, bool last) const;
};

class WanTransformer : public DiffusionTransformer {
 public:
  double feed_width = 13824, waves = 256, places = 1024;
  bool cross_norm = true;
  void declare(Machine& m) const override;
  std::vector<Value> buffers(Machine& m) const override;
  Value predict(Machine& m, const DenoiserInput& in) const override;

 private:
  Value attend(Machine& m, const char* name, const Value& x, const Value& text) const;
  Value block(Machine& m, const Value& x, const Value& text, double steps) const;
};

class CogVideoXTransformer : public DiffusionTransformer {
 public:
  double time_width = 512, prompt_tokens = 226, sample_width = 90, sample_height = 60, sample_frames = 49, shrinks_time = 4;
  bool rotary = false;
  void declare(Machine& m) const override;
  std::vector<Value> buffers(Machine& m) const override;
  Value predict(Machine& m, const DenoiserInput& in) const override;

 private:
  struct Streams {
    Value image, text;
  };
  Streams norm(Machine& m, const char* name, const Streams& x, const Value& time, Value& rows) const;
  Value attend(Machine& m, const Streams& x) const;
  Streams block(Machine& m, const Streams& x, const Value& time) const;
};

/// An image of a patch each → rows [b, patches, width], by a convolution as wide as its step.
Value embed_patches(Machine& m, const Value& latents, double patch, double width, bool placed = true);
/// Attention to the text through a mask that every head has a copy of; without text, to x itself.
Value masked_attention(Machine& m, const char* name, const Value& x, const Value& text, double heads, bool normed = false);
/// Rows of patches back to an image.
Value unpatched(Machine& m, const Value& rows, const Shape& image);
/// A condition on the timestep, with pooled text and guidance where there are any.
Value embed_conditions(Machine& m, const Value& pooled, double batch, double width, bool guided);

}  // namespace gpumem
