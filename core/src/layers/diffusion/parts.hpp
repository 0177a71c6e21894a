#pragma once
// What programs of diffusion pipelines are made of: forward only, tensors [b, channels, (frames,) height, width].
// Whoever calls holds the operands until the result is there, as Python's modules do.

#include "machine/machine.hpp"

namespace gpumem {

/// A tensor like x, whatever made it.
Value alike(Machine& m, const Value& x, const char* label);
/// A tensor of that shape in x's format.
Value shaped(Machine& m, const Value& x, const Shape& shape, const char* label);
/// This shape with its channels replaced.
Shape with_channels(Shape shape, double channels);

/// A convolution over height and width whose padding keeps the extents, divided by the stride.
Value convolve2d(Machine& m, const char* name, const Value& x, double channels, double kernel = 3, double stride = 1, bool bias = true);
/// The same channel by channel, each with a kernel of its own.
Value convolve_alone(Machine& m, const char* name, const Value& x, double kernel, bool bias);
/// Source: [pytorch-derivatives] native_group_norm: mean and reciprocal deviation of each group in x's format
Value group_norm(Machine& m, const char* name, const Value& x, double groups);
/// Nearest neighbours, twice the height and width.
Value upsample2d(Machine& m, const Value& x);
/// LayerNorm over the last extent, with parameters or without.
Value row_norm(Machine& m, const char* name, const Value& x, bool affine);
/// A linear over rows that lie across, as those of an image: its bias is added in a step of its own.
/// Source: [torch-fake-tensor-measurement] aten.bmm and aten.add in place of aten.addmm
Value linear_across(Machine& m, const char* name, const Value& x, double width);
/// RMSNorm written out: fp32 squares, their mean, a product in fp32.
Value rms_norm(Machine& m, const char* name, const Value& x);
/// x [b, s, heads·d] in a fused kernel: flash where it can, else the memory-efficient one.
Value fused_attention(Machine& m, const Value& q, const Value& k, const Value& v, double heads, bool masked = false);

/// normed · (1 + scale) + shift, the two a row of the condition each.
Value modulate(Machine& m, const Value& normed);
/// The same of a LayerNorm without parameters that nobody else holds.
Value modulated_norm(Machine& m, const Value& x);
/// A kernel of its own: x [..., heads·d] by heads; a weight for each of `width`.
/// Source: [torch-fake-tensor-measurement] aten._fused_rms_norm
Value fused_rms_norm(Machine& m, const char* name, const Value& x, double width, bool affine = true);
/// RMSNorm written out, head by head.
Value head_norm(Machine& m, const char* name, const Value& x, double heads);
/// Pairs of channels turned by their position as complex numbers, in fp32.
Value turn_complex(Machine& m, const Value& x);
/// Pairs of channels turned by their position, in fp32.
Value turn_pairs(Machine& m, const Value& x);
/// SiLU and a linear that makes rows of conditions of the timestep.
Value conditions(Machine& m, const char* name, const Value& timestep, double width);
/// Linear, GELU (tanh), linear: a text encoder's rows as wide as the denoiser.
Value project_caption(Machine& m, const Value& text, double width);
/// Linear, GELU (tanh), linear.
Value plain_feed_forward(Machine& m, const char* name, const Value& x, double width, double out);
/// x's rows in [b, tokens, width], from tokens that lie in a longer tensor: copied for more than one batch.
Value rows_of(Machine& m, const Value& x, double tokens);
/// [b, a + c, width]
Value glued_rows(Machine& m, const Value& a, const Value& b, const char* label);

/// Sines and cosines of timesteps [b] → [b, width], fp32.
Value timestep_waves(Machine& m, double batch, double width, bool flipped);
/// Linear, SiLU, linear.
Value embed_timestep(Machine& m, const char* name, const Value& waves, double width);

}  // namespace gpumem
