#pragma once
// Formats and quantisations that a menu offers, of all that are known: one or two of each kind, those that people use.

#include <string_view>

namespace gpumem {

inline constexpr std::string_view offered_weights[] = {
    "bf16", "fp16", "fp32", "fp8", "fp8-block", "int8", "nf4", "nf4-dq", "gptq-4-128", "awq-4-128", "hqq-4-64",
    "mxfp4", "nvfp4", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0", "IQ4_XS", "Q3_K_M", "IQ3_XXS", "Q2_K"};

}  // namespace gpumem
