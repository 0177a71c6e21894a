#pragma once
#include "layers/decoder.hpp"
#include "layers/pass.hpp"

namespace gpumem {

/// What an attention sub-layer gives back: its output [b, s, h], and the probabilities where the eager path keeps them.
struct AttentionResult {
  Value output, probabilities;
  Value context;   ///< what the heads made, where the layer holds it
};

/// x [b, s, h], already normalised.
AttentionResult attention(Machine& m, const AttentionLayer& a, Value x, const Pass& pass);

/// Attention proper: q [b, a, s, d], k and v [b, k, t, d] → [b, s, a·d].
AttentionResult attend(Machine& m, const AttentionLayer& a, const Pass& pass, const Value& q, const Value& k,
                       const Value& v);

/// The mask of layers with that window (0: none): empty where the kernel needs none.
Value attention_mask(Machine& m, const Pass& pass, double window, const Format* format, bool unused_window = false);

/// The same where no token is hidden but those further away than `reach`, to both sides.
Value mask_both_ways(Machine& m, const Pass& pass, double reach, const Format* format);

/// Each sequence's own mask: which tokens are those of an image is read off its ids.
Value mask_of_images(Machine& m, const Pass& pass, const Format* format);

}  // namespace gpumem
