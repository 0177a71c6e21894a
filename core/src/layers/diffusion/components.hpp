#pragma once
// The components of a diffusion pipeline as programs. Every component can declare its parameters; what runs is one pass.

#include <memory>
#include <string>
#include <vector>

#include "machine/machine.hpp"

namespace gpumem {

class PipelinePart {
 public:
  /// What it does in the pipeline; `weights`: how it runs is not known here.
  enum class Role { text, denoiser, decoder, weights };
  Role role = Role::weights;

  virtual ~PipelinePart() = default;
  std::string component;                ///< "text_encoder_2"
  /// Asks for every parameter, in the order in which its passes ask for them.
  virtual void declare(Machine& m) const = 0;
  /// What it keeps on the device besides its parameters.
  virtual std::vector<Value> buffers(Machine&) const { return {}; }
};

/// What a text encoder leaves for the pipeline.
struct TextStates {
  Value last, before_last, pooled;
  std::vector<Value> states;   ///< of every layer, where they are handed out
};

class TextEncoder : public PipelinePart {
 public:
  TextEncoder() { role = Role::text; }
  double hidden = 768;
  /// Token ids [b, s]. `every`: the hidden states of every layer are handed out.
  virtual TextStates encode(Machine& m, const Value& ids, bool masked, bool every) const = 0;
};

/// What a denoiser works on.
struct DenoiserInput {
  Value latents, text, pooled;
  double batch = 1;       ///< with both halves of classifier-free guidance
  double height = 0, width = 0, frames = 1;   ///< of the latents
  bool step_each = false;   ///< every token has a timestep of its own
};

class Denoiser : public PipelinePart {
 public:
  Denoiser() { role = Role::denoiser; }
  double in_channels = 4;
  double patch = 1;      ///< latents a token covers to each side
  bool frames_first = false;   ///< a video's frames come before its channels
  bool packed = false;   ///< latents come as rows of patches
  bool wide_latents = false;   ///< its pipeline keeps latents in fp32
  virtual Value predict(Machine& m, const DenoiserInput& in) const = 0;
};

class LatentDecoder : public PipelinePart {
 public:
  LatentDecoder() { role = Role::decoder; }
  double latent_channels = 4;
  /// Tiles in pixels, and the share of them that overlaps the next.
  double tile_height = 512, tile_width = 512, overlap_height = 0.25, overlap_width = 0.25;
  double shrinks = 8, shrinks_time = 1;   ///< pixels to a latent, frames to one behind the first
  bool wide_latents = false;              ///< pipelines keep its latents in fp32
  bool upcast = false;                    ///< asks to be run in fp32 where the rest is fp16
  virtual Value decode(Machine& m, const Value& latents) const = 0;
  /// The same in tiles that overlap.
  virtual Value decode_tiled(Machine& m, const Value& latents) const;
  /// One of those tiles.
  virtual Value decode_tile(Machine& m, const Value& latents) const { return decode(m, latents); }
};

}  // namespace gpumem
