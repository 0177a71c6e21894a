#pragma once
// What mixes tokens without attention.
// Source: [transformers] models/lfm2/modeling_lfm2.py, models/mamba/modeling_mamba.py, models/mamba2/modeling_mamba2.py

#include "layers/decoder.hpp"
#include "layers/pass.hpp"

namespace gpumem {

/// x [b, s, h], already normalised → [b, s, h], by the mixer's kind.
Value mix(Machine& m, const MixerLayer& l, const Value& x, const Pass& pass);

Value short_convolution(Machine& m, const MixerLayer& l, const Value& x, const Pass& pass);
Value mamba(Machine& m, const MixerLayer& l, const Value& x, const Pass& pass);
Value mamba2(Machine& m, const MixerLayer& l, const Value& x, const Pass& pass);
Value gated_delta(Machine& m, const MixerLayer& l, const Value& x, const Pass& pass);
/// `state`: what it carries on, which its layer holds until its end.
Value lightning(Machine& m, const MixerLayer& l, const Value& x, const Pass& pass, Value& state);
/// What such a layer keeps beside its parameters.
std::vector<Value> lightning_buffers(Machine& m, const MixerLayer& l);

/// Weights of a convolution of each channel with itself over the last `width` tokens.
struct Convolution {
  double width = 0;
  Value weight, bias;
};
Convolution convolution_of(Machine& m, const char* name, const MixerLayer& l, double channels, bool bias);

/// Whether this pass is one token, with states that an earlier one left.
bool continues(const Pass& pass);

/// x [b, channels, s] convolved, as a view of the last s columns; the layer's state becomes the last inputs.
Value causal_convolution(Machine& m, const Pass& pass, const Convolution& c, Value x, bool activated);

/// Chunks that a linear attention runs one by one where backward needs what they keep; of further ones only that is counted.
inline constexpr double most_chunks = 1024;
/// `out`, kept until its backward together with what so many further chunks keep, each `of` numbers in that format.
Value with_further_chunks(Machine& m, Value out, double count, double of, const Format* format);

/// The running layer's carried state takes new contents; it is made when it is first written.
void carry(Machine& m, const Pass& pass, const Shape& shape, const Format* format);

}  // namespace gpumem
