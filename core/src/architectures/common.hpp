#pragma once
// What several families read alike.

#include "architectures/architecture.hpp"

namespace gpumem {

/// Most a field of a model may be: far above any real model, small enough that no product leaves 2^53 by surprise.
inline constexpr double most_width = 1 << 20, most_vocabulary = 1 << 24, most_layers = 4096, most_heads = 4096, most_experts = 65536,
                        most_tokens = 1 << 28;

/// Defaults of a family's configuration class, for fields that may be absent.
struct DecoderDefaults {
  double vocabulary, hidden, width, layers, heads;   ///< width 0: the family reads it
  double kv_heads = 0;   ///< 0: as many as heads
  double head_dim = 0;   ///< 0: hidden / heads
  double positions = 2048;
  bool tied = false;
};

/// The sizes every decoder has. Fills vocabulary, hidden, tied, max_positions and `layers` alike ones made of `layer`
/// with its heads and widths set. Checks that heads divide what they have to.
Decoder plain_decoder(Fields& config, const DecoderDefaults& defaults, DecoderLayer layer);

/// The same with RMSNorm behind the last layer.
Decoder rms_decoder(Fields& config, const DecoderDefaults& defaults, const DecoderLayer& layer);

/// A layer with RMSNorm and a gated MLP as Llama's class reads it: hidden_act, attention_bias, mlp_bias, dropout.
DecoderLayer gated_layer(Fields& config, bool bias_absent = false);

/// A layer with LayerNorm and an MLP without a gate, biases everywhere.
DecoderLayer layer_norm_layer();

/// The activation of that name; an unknown one is an issue.
Activation read_activation(Fields& config, Names names, std::string_view absent);

/// Windows by layer: `layer_types` where it is given ("sliding_attention" has the window), else `is_windowed(i)`.
void set_windows(Fields& config, Decoder& model, double window, bool (*is_windowed)(int layer, double rule), double rule);

/// Qwen's windows: used or not, and from which layer on.
void qwen_windows(Fields& config, Decoder& model);

struct ExpertsDefaults {
  std::optional<double> experts;
  std::optional<double> top;
  double width;
  Names width_name;
};
/// How many experts there are, how many a token takes, how wide they are.
void read_experts(Fields& config, ExpertsLayer& experts, const ExpertsDefaults& defaults);
/// The same with DeepSeek-V3's router: sigmoids, a bias for the choice, groups, shared experts.
/// Source: [transformers] models/deepseek_v3/modeling_deepseek_v3.py DeepseekV3TopkRouter, DeepseekV3MoE
void read_scored_experts(Fields& config, ExpertsLayer& experts, const ExpertsDefaults& defaults, double shared, double groups,
                         bool normalised);
/// Which layers have a plain MLP instead of experts: those `mlp_layer_types` names, else the first ones.
void dense_layers(Fields& config, Decoder& model, double first);
/// A plain MLP in layers that `mlp_only_layers` lists or that `decoder_sparse_step` leaves out.
void sparse_by_step(Fields& config, Decoder& model);
/// A gated layer with experts instead of the MLP.
DecoderLayer sparse_layer(Fields& config, bool bias_absent = false);

/// How much of a head is rotated.
double rotary_share(Fields& config, double absent);

/// Rotates that share of every head, the rest passes.
void rotate_leading_part(Decoder& model, double share);

/// A window that is absent takes the family's value; null is none.
double read_window(Fields& config, double absent);

/// The last layers borrow keys and values from earlier ones; each layer gets an input of its own.
void lend_keys(Fields& config, Decoder& model, double absent = 0);
void give_inputs(Fields& config, Decoder& model);
/// The weights of the tower for sound that `audio_config` describes.
void add_ear(Fields& config, Decoder& model);

/// The decoder of the Gemmas from 3n on: norms by a power, turned in rows, values normalised.
DecoderLayer power_normed_layer(Fields& config);

bool every_layer(int layer, double rule);
/// One layer in `pattern` sees everything, the others have the window.
bool all_but_every(int layer, double pattern);

}  // namespace gpumem
