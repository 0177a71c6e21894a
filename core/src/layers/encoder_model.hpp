#pragma once
// A model with an encoder: tokens, pixels or sound in; rows of hidden states, classes, or a text by a decoder out.

#include "layers/decoder.hpp"

namespace gpumem {

/// How what is read becomes rows of hidden states.
struct InputLayer {
  enum class Kind { text, image, sound };
  Kind kind = Kind::text;
  double vocabulary = 0;
  double positions = 0;              ///< rows of a learned position table; 0: none
  double types = 0;                  ///< rows of a table of token types; 0: none
  bool positions_buffered = false;   ///< positions are kept on the device, and so are the types
  bool positions_counted = false;    ///< each sequence's own, counted from its ids
  bool positions_for_all = false;    ///< the same, written down for every sequence
  bool positions_from_mask = false;  ///< a mask of ones is made for them
  bool scaled = false;               ///< embeddings are multiplied by a number
  bool held = false;                 ///< what it makes is held until the stack has run
  std::optional<NormKind> norm;
  double dropout = 0;
  double side = 0, patch = 0, channels = 0;   ///< of an image, in pixels
  double bands = 0, frames = 0;               ///< of sound: [bands, frames], half as many rows come out
};

/// Layers one behind the other, with what comes before and after them.
struct Stack {
  InputLayer input;
  std::vector<DecoderLayer> layers;
  std::optional<NormKind> final_norm;
  double final_dropout = 0;
  double distance_buckets = 0;       ///< rows of a table of biases by distance; 0: none
  double reach = 0;                  ///< tokens seen to each side by layers with a window
};

/// What comes behind the last layer.
struct Head {
  enum class Kind { none, pooler, classes, vocabulary };
  Kind kind = Kind::none;
  double classes = 0;
  bool transformed = false;          ///< a dense layer, its activation and a norm before the vocabulary
  bool transform_bias = true, bias = false;
  Activation activation = Activation::gelu;
  std::optional<NormKind> norm;
  bool tied = true;                  ///< to the token table
  bool scaled = false;               ///< what it reads is multiplied by a number
  bool biased_by_buffer = false;     ///< logits get a bias that is no parameter
  bool widened = false;              ///< its loss is computed in fp32
};

struct EncoderModel {
  double hidden = 0;
  double max_positions = 0;
  Stack encoder;
  std::optional<Stack> decoder;
  Head head;

  [[nodiscard]] bool reads_tokens() const { return encoder.input.kind == InputLayer::Kind::text; }
  /// Rows of hidden states the encoder makes of so many tokens; of images and sound it makes the same of all.
  [[nodiscard]] double rows(double length) const {
    const InputLayer& in = encoder.input;
    if (in.kind == InputLayer::Kind::sound) return in.frames / 2;
    return in.kind == InputLayer::Kind::image ? in.side / in.patch * (in.side / in.patch) + 1 : length;
  }
  /// What goes in: token ids, pixels, or bands of sound.
  [[nodiscard]] Shape input_shape(double sequences, double length) const {
    const InputLayer& in = encoder.input;
    if (in.kind == InputLayer::Kind::sound) return {sequences, in.bands, in.frames};
    if (in.kind == InputLayer::Kind::image) return {sequences, in.channels, in.side, in.side};
    return {sequences, length};
  }

  // Places in the order of a pass: the encoder's layers, its end, the decoder's beginning, the decoder's layers, the end.
  [[nodiscard]] int encoder_end() const { return static_cast<int>(encoder.layers.size()); }
  [[nodiscard]] int decoder_start() const { return encoder_end() + 1; }
  [[nodiscard]] int end() const { return decoder ? decoder_start() + 1 + static_cast<int>(decoder->layers.size()) : encoder_end(); }
};

}  // namespace gpumem
