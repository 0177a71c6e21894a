#pragma once
// How images become rows among a text's tokens: a tower of layers, what is kept of it, and a projector.

#include "layers/encoder_model.hpp"
#include "layers/model.hpp"
#include "layers/pass.hpp"

namespace gpumem {

struct ImageReader {
  /// What the tower is given.
  enum class Input {
    squares,     ///< images of one size, each a sequence (CLIP, SigLIP)
    packed,      ///< images of any size, their patches one behind the other (Pixtral)
    flattened,   ///< patches the processor has cut, one behind the other (Qwen-VL)
  };
  enum class Projector {
    two_dense,     ///< dense, activation, dense (LLaVA)
    averaged,      ///< means of squares of patches, a norm, a product (Gemma 3)
    merged_dense,  ///< norm, squares of patches through a dense layer, then two_dense (Mistral 3)
    merged,        ///< norm, squares of patches as one row through two dense layers (Qwen-VL)
    one_dense,     ///< a product (PaliGemma)
    shuffled,      ///< squares of patches as one row, a norm, then two_dense (InternVL)
  };
  /// What of it training trains.
  enum class Trained { nothing, projector, all };
  Input input = Input::squares;
  Projector projector = Projector::two_dense;
  Stack tower;                        ///< its input, layers and last norm
  double kept_layer = 0;              ///< the layer whose output is projected, counted from 1
  bool first_dropped = false;         ///< without the row that stands for the whole image
  bool projector_bias = true;
  Activation activation = Activation::gelu;
  NormKind projector_norm = NormKind::rms;
  double text_width = 0;
  double merge = 1;                   ///< patches along each side that become one row
  double patch_frames = 1;            ///< frames of one patch
  double window = 0;                  ///< patches along each side of a window; 0: none
  std::vector<double> whole_layers;   ///< with windows: layers that see the whole image
  std::vector<double> deep_layers;    ///< layers whose output is projected too, for the text's first layers
  double position_rows = 0;           ///< of a table that is stretched over each image (Qwen3-VL)
  bool joined = true;                 ///< rows of all images are glued for the text
  bool both_ways = false;             ///< tokens of an image see each other both ways
  bool positions_by_sequence = false; ///< the text's positions are made for each sequence, in several dimensions

  Trained trained = Trained::nothing;
  bool checkpointed = false;          ///< the tower's layers are run again for backward
  double width = 0, height = 0;       ///< of what the tower sees at once, in pixels
  double views = 1;                   ///< squares that one image is cut into, the whole image among them
  bool repacked = false;              ///< rows of the views are put together anew, borders cut off (LLaVA-NeXT)
  bool layer_scaled = false;          ///< sub-layers' outputs are multiplied by weights (InternVL)
  [[nodiscard]] double patches_across() const { return std::floor(width / tower.input.patch); }
  [[nodiscard]] double patches_down() const { return std::floor(height / tower.input.patch); }
  [[nodiscard]] double patches() const { return patches_across() * patches_down(); }
  /// Rows that are made of one view.
  [[nodiscard]] double rows() const { return std::floor(patches_across() / merge) * std::floor(patches_down() / merge) + (input == Input::squares && tower.input.whole && !first_dropped); }
  double tokens = 0;                  ///< tokens of the prompt that one image takes, with those that part its rows
};

/// What stays of the images while the text is read, and of which the text's rows are made.
struct SeenImages {
  std::vector<Value> held;   ///< until the answer is complete
  Value rows;                ///< [rows of all images, text width]
  std::size_t first_unread = 0, end_unread = 0;   ///< on the tape: what was made of layers behind the one that is read
};

/// Lets go of them, the last one first, on every platform.
inline void let_go(std::vector<Value>& held) {
  while (!held.empty()) held.pop_back();
}

/// What the tower keeps on the device besides its parameters.
std::vector<Value> image_buffers(Machine& m, const ImageReader& reader);

/// The pixels of so many images, as the processor hands them over.
Value pixels_of(Machine& m, const ImageReader& reader, double images);

/// Runs the tower; its layers count as one behind the decoder's, so that names of parameters are not mixed up.
SeenImages read_images(Machine& m, const ImageReader& reader, double images, const Value& pixels, AttentionKernel kernel, int place);

/// Whether its program tells gradients how to come back: every step of it is an operation of the tape.
bool can_be_trained(const ImageReader& reader);

/// Puts the images' rows in their places: token embeddings in, those with images out; `held` until the layers have run.
Value place_images(Machine& m, const ImageReader& reader, const Value& rows, Value embeddings, std::vector<Value>& held);

}  // namespace gpumem
