#pragma once
// A model with an encoder: tokens, pixels or sound in; rows of hidden states, classes, or a text by a decoder out.

#include <array>
#include <cmath>

#include "layers/decoder.hpp"

namespace gpumem {

/// A short list that lies where it is: what holds one is copied as it is.
template <class T>
struct Few {
  static constexpr std::size_t most = 16;
  std::array<T, most> items{};
  std::size_t count = 0;
  void push_back(const T& item) { items[count++] = item; }
  [[nodiscard]] std::size_t size() const { return count; }
  [[nodiscard]] const T* begin() const { return items.data(); }
  [[nodiscard]] const T* end() const { return items.data() + count; }
  const T& operator[](std::size_t i) const { return items[i]; }
};

/// How what is read becomes rows of hidden states.
struct InputLayer {
  enum class Kind { text, image, sound, wave };
  Kind kind = Kind::text;
  double vocabulary = 0;
  double positions = 0;              ///< rows of a learned position table; 0: none
  double types = 0;                  ///< rows of a table of token types; 0: none
  bool positions_buffered = false;   ///< positions are kept on the device, and so are the types
  bool positions_counted = false;    ///< each sequence's own, counted from its ids
  bool positions_for_all = false;    ///< the same, written down for every sequence
  bool positions_fixed = false;      ///< that table is not trained
  bool positions_computed = false;   ///< that table is no parameter; each half of the model keeps its own
  bool positions_from_mask = false;  ///< a mask of ones is made for them
  bool types_anew = false;           ///< token types are zeros made for every sequence
  bool types_buffered = false;       ///< and yet others are kept on the device beside positions that nobody reads
  bool masked = false;               ///< embeddings are multiplied by a mask of ones (DeBERTa)
  bool scaled = false;               ///< embeddings are multiplied by a number
  bool held = false;                 ///< what it makes is held until the stack has run
  std::optional<NormKind> norm;
  double dropout = 0;
  double side = 0, patch = 0, channels = 0;   ///< of an image, in pixels
  bool whole = true;                 ///< a row that stands for the whole image comes before its patches
  bool patch_bias = true;
  bool asks_gradient = false;        ///< patches ask for a gradient although nothing that made them is trained
  bool mask_row = false;             ///< a row for patches that are hidden in pretraining lies beside them
  bool places_looked_up = false;     ///< rows of the position table are looked up by numbers kept on the device
  double width = 0;                  ///< of the rows, where it is not that of the model
  bool projected = false;            ///< rows of that width go through a dense layer
  bool projected_inside = false;     ///< by what runs the layers: the rows as they were are held meanwhile (ALBERT)
  double bands = 0, frames = 0;               ///< of sound: [bands, frames], half as many rows come out
};

/// Samples of sound → rows, by convolutions one behind the other, and one more that tells rows where they are (wav2vec 2.0).
struct WaveLayers {
  struct Step {
    double channels = 0, kernel = 0, stride = 0;
  };
  Few<Step> steps;
  bool bias = false;
  bool all_normed = false;           ///< each by LayerNorm; else the first alone, each channel by itself
  Activation activation = Activation::gelu;
  bool rows_normed = true;           ///< what they make is normalised before it is projected,
  bool rows_given = false;           ///< and given back beside the model's output
  bool mask_row = false;             ///< a row for those that are hidden in training lies beside them
  double dropout = 0;                ///< of projected rows
  double reach = 128, groups = 16;   ///< of the convolution for positions
  bool normed_before = true;         ///< rows are normalised before the first layer; else behind the last

  /// Samples of which so many rows are made.
  [[nodiscard]] double samples(double rows) const {
    for (std::size_t i = steps.size(); i-- > 0;) rows = (rows - 1) * steps[i].stride + steps[i].kernel;
    return rows;
  }
};

/// Layers one behind the other, with what comes before and after them.
struct Stack {
  InputLayer input;
  std::vector<DecoderLayer> layers;
  std::optional<NormKind> final_norm;
  double final_dropout = 0;
  double distance_buckets = 0;       ///< rows of a table of biases by distance; 0: none
  double distance_rows = 0;          ///< rows of a table of hidden states by distance; 0: none
  bool distances_normed = false;     ///< that table goes through a norm
  double convolution = 0, convolution_groups = 1;   ///< tokens that one beside the first layer sees (DeBERTa v2's larger ones)
  bool all_given = false;            ///< what every layer made is given back, and held until the model has run
  double shared_by = 0;              ///< layers in a row that share their weights; 0: each has its own
  bool causal = false;               ///< an encoder's tokens see only earlier ones
  double reach = 0;                  ///< tokens seen to each side by layers with a window
};

/// What is read off rows of text: a number for each class.
struct LabelHead {
  enum class Row { first, mean, each };
  enum class By { nothing, tanh, relu, gelu };
  Row row = Row::first;
  bool pooled = false;               ///< what it reads went through a pooler (BERT)
  bool dense = false;                ///< a dense layer, an activation and perhaps a norm come first
  bool dense_bias = true;
  By by = By::tanh;
  std::optional<NormKind> norm;
  double first_dropout = 0, last_dropout = 0;
};

/// What comes behind the last layer.
struct Head {
  enum class Kind {
    none, pooler, classes, labels, vocabulary,
    first_normed,   ///< the first row through a norm (CLIP's images)
    probe,          ///< attention of one learned row, then an MLP (SigLIP's images)
    chosen,         ///< the row of the last token (CLIP's texts)
    last_dense,     ///< the last row through a dense layer (SigLIP's texts)
  };
  Kind kind = Kind::none;
  double classes = 0;
  LabelHead labels;
  bool mean_beside = false;          ///< classes are read off the first row and the mean of the others
  bool transformed = false;          ///< a dense layer, its activation and a norm before the vocabulary
  bool transform_bias = true, bias = false;
  Activation activation = Activation::gelu;
  std::optional<NormKind> norm;
  bool tied = true;                  ///< to the token table
  bool scaled = false;               ///< what it reads is multiplied by a number
  bool biased_by_buffer = false;     ///< logits get a bias that is no parameter
  MlpLayer mlp;                      ///< of a probe
  double heads = 0;
  bool widened = false;              ///< its loss is computed in fp32
  bool aligned = false;              ///< its loss sums over all ways to lay a text along the rows (CTC)
};

/// Images and texts that are compared: the decoder's place is that of the encoder of texts.
struct Towers {
  Head text;
  double shared = 0;                 ///< width that both are projected to; 0: as they come
  bool biased = false;               ///< similarities get a bias, and a loss of each pair by itself (SigLIP)
};

/// Convolutions in stages, each of which sees half as much in either direction (ResNet).
struct ConvolutionNet {
  struct Stage {
    double depth, width, stride;
  };
  std::vector<Stage> stages;
  double stem = 64;                  ///< channels of the first convolution
  bool bottleneck = true;            ///< layers of three convolutions, the middle one narrow; else of two
  bool early_stride = false;         ///< the first of the three is the one that steps
  Activation activation = Activation::relu;
};

/// Blocks of rows in stages, each of which is wider and sees half as much in either direction.
struct StagedNet {
  enum class Kind {
    convolutions,   ///< blocks of a convolution for each channel and an MLP (ConvNeXt)
    windows,        ///< attention within windows, every second time within windows moved by half their side (Swin)
  };
  struct Stage {
    double depth = 0, width = 0, heads = 0;
  };
  Kind kind = Kind::convolutions;
  Few<Stage> stages;
  double window = 0;                 ///< side of a window, in patches
  double ratio = 4;                  ///< width of an MLP
  Activation activation = Activation::gelu;
  bool scaled_by_column = true;      ///< a block's output is multiplied by a trained number a column
  bool bias = true, placed = false;  ///< of queries, keys and values; whether patches get a position
  double dropout = 0, attention_dropout = 0, path_dropout = 0;
};

struct EncoderModel {
  double hidden = 0;
  double max_positions = 0;
  Stack encoder;
  std::optional<Stack> decoder;
  Head head;
  std::optional<Towers> towers;
  std::optional<ConvolutionNet> convolutions;   ///< instead of the encoder's layers
  std::optional<StagedNet> staged;              ///< likewise; the encoder's layers only count blocks
  std::optional<WaveLayers> wave;               ///< before them

  [[nodiscard]] double width(const InputLayer& in) const { return in.width > 0 ? in.width : hidden; }
  /// Whether the decoder writes an answer, token by token.
  [[nodiscard]] bool answers() const { return decoder && !towers; }
  [[nodiscard]] bool reads_tokens() const { return encoder.input.kind == InputLayer::Kind::text; }
  /// Rows of hidden states the encoder makes of so many tokens; of images and sound it makes the same of all.
  [[nodiscard]] double rows(double length) const {
    const InputLayer& in = encoder.input;
    if (in.kind == InputLayer::Kind::sound) return in.frames / 2;
    return in.kind == InputLayer::Kind::image ? std::floor(in.side / in.patch) * std::floor(in.side / in.patch) + in.whole : length;
  }
  /// What goes in: token ids, pixels, or bands of sound.
  [[nodiscard]] Shape input_shape(double sequences, double length) const {
    const InputLayer& in = encoder.input;
    if (in.kind == InputLayer::Kind::sound) return {sequences, in.bands, in.frames};
    if (wave) return {sequences, wave->samples(length)};
    if (in.kind == InputLayer::Kind::image) return {sequences, in.channels, in.side, in.side};
    return {sequences, length};
  }

  // Places in the order of a pass: the encoder's layers, its end, the decoder's beginning, the decoder's layers, the end.
  [[nodiscard]] int encoder_end() const { return static_cast<int>(encoder.layers.size()); }
  [[nodiscard]] int decoder_start() const { return encoder_end() + 1; }
  [[nodiscard]] int end() const { return decoder ? decoder_start() + 1 + static_cast<int>(decoder->layers.size()) : encoder_end(); }
};

}  // namespace gpumem
