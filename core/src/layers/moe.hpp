#pragma once
#include "layers/decoder.hpp"
#include "machine/machine.hpp"

namespace gpumem {

/// x [b, s, h] through the experts that a router chooses for each token, and back to h.
Value mixture_of_experts(Machine& m, const ExpertsLayer& layer, const Value& x);

/// Experts that normalise what they read and what they give by themselves; so does their router.
/// Source: [transformers] models/gemma4/modeling_gemma4.py Gemma4TextDecoderLayer.forward
Value experts_of_normed(Machine& m, const ExpertsLayer& layer, const Value& x);

}  // namespace gpumem
