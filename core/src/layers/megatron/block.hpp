#pragma once
// A layer of Megatron-LM made of Transformer Engine's modules, and what comes before and behind the layers.

#include "layers/megatron/share.hpp"

namespace gpumem::megatron {

/// x [kept rows, h] → [kept rows, h]. Source: [megatron-lm] megatron/core/transformer/transformer_layer.py
Value layer(Machine& m, const Pass& pass, const DecoderLayer& described, Value x);

/// x [kept rows, h] as it enters the layer, or normalised where the projections do not do so themselves.
Value attention(Machine& m, const Pass& pass, const DecoderLayer& described, Value x);
Value latent_attention(Machine& m, const Pass& pass, const DecoderLayer& described, Value x);
Value feed_forward(Machine& m, const Pass& pass, const MlpLayer& mlp, std::optional<NormKind> norm, Value x, const char* name, bool gathers = true);
Value experts(Machine& m, const Pass& pass, const ExpertsLayer& e, Value x);

/// Queries, keys and values [rows, heads of this rank · width] → [rows, heads · width of values].
Value core_attention(Machine& m, const Pass& pass, Value q, Value k, Value v, double heads);

/// ids [rows] → [kept rows, h].
Value embedding(Machine& m, const Pass& pass, const Decoder& model, const Value& ids);
/// Hidden states → the loss of every token, by a head over this rank's part of the vocabulary.
Value head_and_loss(Machine& m, const Pass& pass, const Decoder& model, Value x, const Value& labels);

}  // namespace gpumem::megatron
