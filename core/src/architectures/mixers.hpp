#pragma once
// What families with mixers read alike.

#include "architectures/common.hpp"

namespace gpumem {

/// The same layer without attention.
DecoderLayer without_attention(DecoderLayer layer);

/// Which layers attend: those that the first of these fields lists as such, else as `absent` says.
std::vector<bool> attending_layers(Fields& config, Names names, std::size_t layers, bool (*absent)(Fields&, std::size_t));

/// Layers that do not attend get that mixer.
void mix_instead(Decoder& model, const MixerLayer& mixer, const std::vector<bool>& attending);

struct Mamba2Defaults {
  double heads = 128, groups = 1, state = 256, chunk = 256;
};
/// The fields of Mamba 2 in hybrids, under any of their names; the width must be known.
void read_mamba2_fields(Fields& config, MixerLayer& mixer, const Mamba2Defaults& defaults);

/// Mamba's rank of the time step: "auto", or a number.
double read_rank(Fields& config, std::string_view name, double hidden);

/// Heads must divide the width, groups the heads.
void check_heads(Fields& config, const MixerLayer& mixer, std::string_view name);

}  // namespace gpumem
