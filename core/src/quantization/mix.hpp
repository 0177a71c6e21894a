#pragma once
// A mix: which tensor of a model is stored in which format. The rows come from catalog/quantizations.

#include <cstdint>
#include <string_view>

#include "machine/format.hpp"

namespace gpumem {

using Mix = catalog::MixRow;
namespace role = catalog::role;
namespace when = catalog::when;

/// The mix of that id; where none is spelled so, the one that differs in capitals only. Null for an unknown one.
const Mix* find_mix(std::string_view id);

/// The format of a tensor of these roles where these conditions hold; null for the one the model computes in.
const Format* chosen_format(const Mix& mix, std::uint32_t roles, std::uint32_t conditions);

/// The format most of a mix's numbers have; null for the one the model computes in.
const Format* base_format(const Mix& mix);

/// Whether adapters can be trained beside linears stored so: unpacked for each use, forward and backward.
/// Source: [peft] tuners/lora/bnb.py Linear4bit, tuners/lora/gptq.py
bool trains_on(const Mix& mix);

/// What llama.cpp takes in place of a format whose block does not divide a row.
/// Source: [llama-cpp-quantizer] tensor_type_fallback
const Format* fitting_format(const Format* format, double columns);

}  // namespace gpumem
