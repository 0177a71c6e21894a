#pragma once
#include "layers/decoder.hpp"

namespace gpumem {

/// Lightning's own model code over the same weights: its joint projection, norms, rotation and MLPs instead of those of
/// transformers. False, and nothing changed, where that code has no such model.
/// Source: [litgpt] lit_gpt/model.py, rmsnorm.py at 6178c7c
bool run_as_litgpt(Decoder& model);

}  // namespace gpumem
