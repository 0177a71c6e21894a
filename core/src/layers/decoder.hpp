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
  rms_plus_one,   ///< in fp32, scaled by one plus the weight in fp32 (Gemma)
  rms_wide,       ///< in fp32, scaled there too (OLMo 2)
  layer,          ///< torch.nn.LayerNorm, with weight and bias
  layer_by_head,  ///< LayerNorm without bias, one for each head (StableLM's queries and keys)
  layer_bare,     ///< in fp32, without weight and bias (OLMo)
  layer_plus_one, ///< scaled by one plus the weight (Nemotron)
  rms_promoted,   ///< the mean square alone in fp32, which the product takes over (T5)
  layer_unbiased, ///< torch.nn.LayerNorm without bias (ModernBERT)
  layer_composed, ///< mean and deviation written out in fp32, with a weight (Cohere)
  rms_by_power,   ///< in fp32, by a power of the mean square, scaled there too (Gemma 4)
  rms_by_power_bare,   ///< the same without weight
  layer_divided,  ///< the same with weight and bias in the input's format (the first DeBERTa)
};

enum class Activation {
  silu, gelu, relu, relu_squared,
  gelu_composed,   ///< by tanh, written out in Python
  gelu_fast,       ///< by tanh, written out in another way
  gelu_quick,      ///< by a sigmoid, written out
  gelu_function,   ///< the same as a function with a backward of its own (BLOOM)
};

struct MlpLayer {
  enum class Kind { gated, gated_fused, plain };
  Kind kind = Kind::gated;
  double width = 0;
  Activation activation = Activation::silu;
  bool bias = false;
  bool output_bias = false;  ///< only what comes out has a bias
  bool transposed = false;   ///< weights stored [in, out]
  double dropout = 0;        ///< of its output, inside
  double inner_dropout = 0;  ///< behind the activation
  bool kept_inner = false;   ///< what the activation made is held by the layer until its end
  bool kept_halves = false;  ///< gated: both halves are held until the end
  bool scaled = false;       ///< gated: gate and output are multiplied by numbers; `up` comes first
  bool thinned = false;      ///< gated: of the gate only what stands out of its token's numbers passes (Gemma 3n)
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
  bool router_kept_in_fp32 = false;   ///< its weight is loaded so, its products are never lowered
  bool logits_in_fp32 = true;
  bool always_stacked = false;     ///< one tensor for all experts, whatever the version of transformers
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
  bool shared_fused = false;       ///< gate and up come from one product
  bool summed_in_fp32 = false;     ///< routed and shared outputs are added in fp32
  bool ungated = false;            ///< experts without a gate: up, activation, down
  double latent_width = 0;         ///< experts work on projections of this width; 0: on the hidden states
  bool shared_gated = false;       ///< weighted by a sigmoid of its own
  bool normed_apart = false;       ///< router and experts normalise what they read themselves; what is chosen is weighted by expert too (Gemma 4)
  bool looped = false;             ///< one after the other, weights as slices of tall matrices (DBRX)
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

/// Scores between contents and distances, beside those between contents.
struct DistanceScores {
  double span = 0;                 ///< distances to either side that have a row of their own
  bool to_distance = false, from_distance = false;
  bool shared = false;             ///< rows of distances are projected as contents are
  bool joint = false;              ///< queries, keys and values come from one product (the first DeBERTa)
  double dropout = 0;              ///< of the rows of distances
  bool operator==(const DistanceScores&) const = default;
};

struct AttentionLayer {
  /// How queries, keys and values are projected, and how a joint projection is taken apart.
  enum class Projection { separate, sliced, split, grouped };   ///< grouped: by key, its queries side by side with it
  enum class Rotary {
    none, whole, leading_then_glued, glued_one_by_one,
    halves,        ///< both halves by tables of half the width, then glued (gpt-oss)
    interleaved,   ///< the same with even and odd columns (DeepSeek-V3)
    complex,       ///< pairs as complex numbers in fp32 (DeepSeek-V2)
  };
  /// In which format the turning is computed: the model's; fp32 from the start (Cohere); fp32 part by part (Ernie);
  /// with tables in fp32 (OLMo); fp32 operand by operand (ModernBERT).
  enum class RotaryFormat { same, wide, wide_by_part, wide_tables, wide_by_operand };
  Projection projection = Projection::separate;
  Rotary rotary = Rotary::whole;
  RotaryFormat rotary_format = RotaryFormat::same;
  bool rotary_repeated = false;     ///< each layer repeats the tables' columns for itself
  double heads = 0, kv_heads = 0, head_dim = 0;
  double rotary_dim = 0;
  double window = 0;                ///< tokens a token sees, itself included; 0: all
  bool input_bias = false, output_bias = false;
  bool transposed = false;
  std::optional<NormKind> qk_norm;
  enum class QkNorm { after_all, at_once, whole, after_rotary };
  QkNorm qk_norm_place = QkNorm::after_all;   ///< after all three projections; each right after its own; the same
                                              ///< over all heads together; after the rotation
  bool cross = false;               ///< keys and values come from the encoder's output
  bool biased_scores = false;       ///< scores get a bias by distance
  bool bare_key = false;            ///< keys have no bias, whatever the others have
  bool heads_outermost = false;     ///< queries, keys and values are copied to [b, heads, s, d]
  bool kept_context = false;        ///< what the heads made is held while it is projected and normalised
  bool narrowed = true;             ///< probabilities take the values' format
  bool repeated_for_flash = false;  ///< its class repeated grouped heads for FlashAttention too, while classes did that themselves
  bool clipped = false;             ///< all three are clamped in place
  bool gated = false;               ///< its output is multiplied by a sigmoid that the query's projection gives too
  bool sinks = false;               ///< a logit of its own per head, which takes attention away
  std::optional<LatentProjection> latent;
  std::optional<DistanceScores> distances;
  bool scaled_key = false;          ///< the key is multiplied by a number once it is projected
  bool scaled_query = false;        ///< the query is multiplied by the scale before attention
  bool softcap = false;
  bool softmax_in_fp32 = true;
  bool own_output = false;          ///< its output's projection has a name that no other family gives it: a mixer beside it has the other one
  double dropout = 0, output_dropout = 0;
  enum class Form { shared, gptj, falcon, mpt, gpt_neo, codegen, xglm, litgpt, mixture, disentangled };
  Form form = Form::shared;         ///< whose code runs: transformers' common form, or a family's own
  bool turned_in_rows = false;      ///< queries and keys are turned before heads become an outer extent (Gemma 4)
  bool value_normed = false;        ///< values are normalised, without weight
  bool key_as_value = false;        ///< values are what the keys' projection gives
  enum class Keys { own, lent, borrowed };
  Keys keys = Keys::own;            ///< lent: held for later layers until the model returns, who have none (Gemma 3n)
  bool positions_on_grid = false;   ///< a position is a point in time, height and width, for each sequence (Qwen3.5)
  double position_rows = 0;         ///< of the table of sinusoids each layer has (GPT-J, CodeGen), or of its mask (GPT-Neo)
  bool operator==(const AttentionLayer&) const = default;
};

/// What mixes tokens without attention: a convolution, or a state that is carried from token to token.
struct MixerLayer {
  enum class Kind { short_conv, mamba, mamba2, gated_delta, lightning };
  Kind kind = Kind::mamba2;
  double width = 0;                ///< of what is carried, all heads together
  double conv = 0;                 ///< tokens the convolution sees, the last one included
  double state = 0;                ///< numbers carried for each column of `width`; gated_delta: columns of a key
  double heads = 0, groups = 1;    ///< mamba2: heads, and groups of them that share how they read and write; gated_delta: heads of values, of keys
  double chunk = 0;                ///< mamba2, gated_delta, lightning: tokens whose states are computed together
  double rank = 0;                 ///< mamba: of the time step
  bool conv_bias = true, bias = false, output_bias = false;
  bool normed_gate = true;         ///< mamba2: the gate goes through a norm; else it is multiplied
  bool norm_in_fp32 = false;       ///< mamba2: that norm scales in fp32 (Falcon-H1)
  double norm_groups = 1;          ///< parts that are normalised by themselves
  bool gate_last = false;          ///< the gate is multiplied behind the norm
  bool normed_parts = false;       ///< mamba: time step, B and C are normalised
  bool weighted_parts = true;      ///< by norms with weights
  bool scaled = false;             ///< input, projection and output are multiplied by numbers
  bool parts_apart = false;        ///< gated_delta: queries with keys and values, gate and both rates have projections of their own
  bool operator==(const MixerLayer&) const = default;
};

struct DecoderLayer {
  /// In which order the sub-layers, their norms and the residual sums come.
  enum class Order {
    sequential,      ///< x + attention(norm(x)), then the same with the MLP
    sandwich,        ///< sequential, with a norm behind each sub-layer too
    parallel,        ///< x + attention(norm(x)) + mlp(norm(x))
    kept_attention,  ///< sequential; the attention's output is held until the layer ends
    norm_last,       ///< norm(x + attention(x)), norm(x + mlp(x))
    norm_behind,     ///< x + norm(attention(x)), then the same with the MLP
    one_norm,        ///< x + attention(n) + mlp(n) with n = norm(x)
    modules_norm_last,   ///< norm_last, made of modules that hold what they were given (BERT)
    inlined_norm_last,   ///< norm_last, all in the layer's own code; attention to an encoder between the two (BART)
    inlined_norm_first,  ///< sequential, likewise (Whisper)
    sub_layers,          ///< each sub-layer with its norm and its sum is a module (T5)
    kept_output,         ///< sequential; the attention's output is held until the layer ends (ModernBERT)
    sums_inside,     ///< sequential; attention and MLP add the residual themselves (BLOOM)
    single,          ///< x + sub-layer(norm(x)): a mixer, attention or an MLP alone
    beside,          ///< x + mixer(n) + attention(n) with n = norm(x), then the MLP (Falcon-H1)
    experts_beside,  ///< x + attention(norm(x)) = y, then y + mlp(norm(y)) + experts(norm(x)) (Arctic)
    nothing,         ///< handed on as it came
    kept_all,        ///< sequential; normed input and attention's output are held until the layer ends
    experts_and_mlp, ///< sandwich; experts beside the MLP, each with norms of its own (Gemma 4)
    scaled_sums,     ///< norms first; a·n + b·sub-layer(n) with n = norm(x), twice (MiniMax)
    norm_last_kept,  ///< norm_last; the attention's output is held until the layer ends (GTE)
    probabilities_kept_last,    ///< norm_last; what attention gives back, probabilities too, is held until the layer ends (wav2vec 2.0)
    probabilities_kept_first,   ///< sequential, likewise
    streams,         ///< several hidden states side by side, of which one is worked on (Gemma 3n)
  };
  Order order = Order::sequential;
  NormKind norm = NormKind::rms;
  AttentionLayer attention;
  std::optional<AttentionLayer> cross;   ///< attention to an encoder's output
  bool first_norm = true;                ///< whether its input is normalised
  MlpLayer mlp;
  std::optional<ExpertsLayer> experts;   ///< instead of the MLP
  std::optional<MixerLayer> mixer;       ///< instead of attention, or beside it
  bool residual_in_fp32 = false;         ///< what sub-layers are added to is widened
  double dropout = 0;
  bool residual_normed = false;      ///< what is added is the normalised input (BLOOM)
  bool scaled = false;               ///< each sub-layer's output is multiplied by a number before it is added
  bool scaled_by_column = false;     ///< likewise by a trained number a column (DINOv2)
  double own_input = 0;              ///< width of an input that this layer alone gets (Gemma 3n); 0: none
  double streams = 1;                ///< hidden states side by side
  double low_rank = 0;               ///< of a linear path beside attention
  bool stream_scaled = false;        ///< by column, before its own input is let in
  bool scaled_at_end = false;        ///< its result is multiplied in place by a number kept in a tensor
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
  double fixed_positions = 0;        ///< rows of a position table that is not trained; 0: none
  bool positions_from_mask = false;  ///< positions are counted from an attention mask of ones
  double input_rows = 0;             ///< of the table that layers' own inputs come from
  bool embedding_scaled = false;     ///< by a number kept in a tensor
  bool embedding_multiplied = false; ///< by a Python number
  bool window_mask_always = false;   ///< a mask for windows is made although no layer has one
  bool rotary_by_window = false;     ///< layers with a window have rotary tables of their own
  double embedding_dropout = 0;
  std::vector<DecoderLayer> layers;
  std::optional<NormKind> embedding_norm, final_norm;
  bool linear_biases = false;        ///< positions are a bias of the scores, a slope for each head
  double classes = 0;                ///< numbers that a head for classes gives for each token; 0: a head for the vocabulary
  bool tied = false;                 ///< the head is the token table
  bool head_bias = false;
  bool final_softcap = false;
  bool logits_scaled = false;        ///< by a Python number
  bool own_loss = false;             ///< logits stay in their format; its code is not the one of all families
  bool eager_only = false;           ///< its attention has no fused kernel
  bool logits_in_fp32 = false;       ///< widened once they are computed
  bool loss_once_narrow = false;     ///< before transformers 4.49 its loss was computed in the logits' format
  bool presents_once_kept = false;   ///< before transformers 4.53 checkpointed layers gave back keys and values all the same
  double mask_buffer = 0;            ///< tokens of a causal mask that the model keeps; 0: none
  double max_positions = 0;          ///< tokens it was made for; 0: not said
  std::vector<IdleWeights> beside;   ///< weights that are loaded and take no part in a text pass
};

/// Whether a layer has a mixer. Source: [transformers] models/mamba2/modeling_mamba2.py and kin
inline bool has_mixers(const Decoder& m) {
  for (const DecoderLayer& l : m.layers)
    if (l.mixer) return true;
  return false;
}

}  // namespace gpumem
