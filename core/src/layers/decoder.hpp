#pragma once
// A decoder-only transformer as architectures describe it: layers built of mechanisms, each a plain struct.

#include <optional>
#include <string>
#include <vector>

#include "machine/shape.hpp"

namespace gpumem {

/// How a row is normalised.
enum class NormKind {
  rms,            ///< in fp32, scaled in the input's format (Llama)
  rms_wide,       ///< in fp32, scaled in fp32 too (gpt-oss)
  rms_plus_one,   ///< in fp32, scaled by one plus the weight in fp32 (Gemma)
  layer,          ///< torch.nn.LayerNorm, with weight and bias
};

enum class Activation { silu, gelu, gelu_composed, relu };

struct MlpLayer {
  enum class Kind { gated, gated_fused, plain };
  Kind kind = Kind::gated;
  double width = 0;
  Activation activation = Activation::silu;
  bool bias = false;
  bool transposed = false;   ///< weights stored [in, out]
  bool inlined = false;      ///< part of the layer's own code, which does not hold the normalised input
  bool operator==(const MlpLayer&) const = default;
};

/// Experts of which each token takes a few, and a router that says which.
struct ExpertsLayer {
  enum class Scores {
    softmax,         ///< of all experts in fp32, then the largest
    sigmoid,         ///< of each in fp32, then the largest
    softmax_of_top,  ///< the largest logits, then softmax over them
  };
  enum class Normalised { no, in_place, anew };
  double experts = 0, top = 0, width = 0;
  Activation activation = Activation::silu;
  Scores scores = Scores::softmax;
  Normalised normalised = Normalised::no;
  bool router_in_fp32 = false;     ///< the router's input and weight are widened
  bool logits_in_fp32 = true;
  bool choice_bias = false;        ///< experts are chosen by scores plus a bias that no gradient trains
  bool bias_is_parameter = false;
  bool grouped_choice = false;     ///< first groups of experts, then experts of those groups
  double groups = 1;
  bool scaled = false;             ///< the weights are multiplied by a factor
  bool weights_in_fp32 = false;    ///< they stay so: the experts' weighted outputs are fp32
  bool router_bias = false, bias = false;
  bool transposed = false;         ///< weights stored [experts, in, out]
  bool clamped = false;            ///< gate and up interleaved and clamped (gpt-oss)
  double shared_width = 0;         ///< of the expert every token takes; 0: none
  bool shared_first = false;       ///< computed before the others
  bool shared_gated = false;       ///< weighted by a sigmoid of its own
  bool operator==(const ExpertsLayer&) const = default;
};

/// Queries, keys and values from low-rank latents; the cache holds the latent of keys and values and one rotary key.
struct LatentProjection {
  double query_rank = 0;           ///< 0: queries are projected directly
  double key_rank = 0;
  double nope_dim = 0, rotary_dim = 0, value_dim = 0;
  bool bias = false;
  bool operator==(const LatentProjection&) const = default;
};

struct AttentionLayer {
  /// How queries, keys and values are projected, and how a joint projection is taken apart.
  enum class Projection { separate, sliced, split };
  enum class Rotary {
    none, whole, leading_then_glued, glued_one_by_one,
    halves,        ///< both halves by tables of half the width, then glued (gpt-oss)
    interleaved,   ///< the same with even and odd columns (DeepSeek-V3)
    complex,       ///< pairs as complex numbers in fp32 (DeepSeek-V2)
  };
  Projection projection = Projection::separate;
  Rotary rotary = Rotary::whole;
  double heads = 0, kv_heads = 0, head_dim = 0;
  double rotary_dim = 0;
  double window = 0;                ///< tokens a token sees, itself included; 0: all
  bool input_bias = false, output_bias = false;
  bool transposed = false;
  std::optional<NormKind> qk_norm;
  bool qk_norm_whole = false;       ///< over all heads together, before they are told apart
  bool clipped = false;             ///< all three are clamped in place
  bool sinks = false;               ///< a logit of its own per head, which takes attention away
  std::optional<LatentProjection> latent;
  bool qk_norm_at_once = false;     ///< each right after its projection, not after all three
  bool scaled_query = false;        ///< the query is multiplied by the scale before attention
  bool softcap = false;
  bool softmax_in_fp32 = true;
  double dropout = 0;
  bool operator==(const AttentionLayer&) const = default;
};

struct DecoderLayer {
  /// In which order the sub-layers, their norms and the residual sums come.
  enum class Order {
    sequential,      ///< x + attention(norm(x)), then the same with the MLP
    sandwich,        ///< sequential, with a norm behind each sub-layer too
    parallel,        ///< x + attention(norm(x)) + mlp(norm(x))
    kept_attention,  ///< sequential; the attention's output is held until the layer ends
    norm_last,       ///< norm(x + attention(x)), norm(x + mlp(x))
  };
  Order order = Order::sequential;
  NormKind norm = NormKind::rms;
  AttentionLayer attention;
  MlpLayer mlp;
  std::optional<ExpertsLayer> experts;   ///< instead of the MLP
  bool residual_scaled = false;          ///< what a sub-layer adds is multiplied by a factor first
  double dropout = 0;
  bool operator==(const DecoderLayer&) const = default;
};

/// Weights of one shape that lie in memory without being run.
struct IdleWeights {
  const char* name;
  Shape shape;
  double copies;
};

struct Decoder {
  double vocabulary = 0, hidden = 0;
  double embedding_width = 0;        ///< of the token table, where it differs from `hidden`
  double learned_positions = 0;      ///< rows of a learned position table; 0: none
  bool positions_from_mask = false;  ///< positions are counted from an attention mask of ones
  bool embedding_scaled = false;
  bool rotary_by_window = false;     ///< layers with a window have rotary tables of their own
  double embedding_dropout = 0;
  std::vector<DecoderLayer> layers;
  std::optional<NormKind> final_norm;
  bool tied = false;                 ///< the head is the token table
  bool head_bias = false;
  bool final_softcap = false;
  bool logits_scaled = false;        ///< divided by a factor
  double max_positions = 0;          ///< tokens it was made for; 0: not said
  std::vector<IdleWeights> beside;   ///< weights that are loaded and take no part in a text pass
};

}  // namespace gpumem
