#pragma once
#include <string>
#include <vector>

#include "machine/machine.hpp"

namespace gpumem {

/// What fine-tuning changes about a model's linears: a frozen base, perhaps in 4 bits, with adapters beside some of them.
struct Adaptation {
  enum class Kind {
    low_rank,        ///< LoRA and kin
    factors,         ///< a trained factor for each output, or input of a last linear (IA3)
    shared_random,   ///< matrices of low rank that all share, with trained factors (VeRA)
    hadamard,        ///< a change of the weight: products of low rank, multiplied number by number (LoHa)
    kronecker,       ///< a change of the weight: the Kronecker product of two small matrices (LoKr)
    rotation,        ///< the input turned in blocks (OFT)
  };
  Kind kind = Kind::low_rank;
  std::vector<std::string> targets;       ///< names of linears that get an adapter; "all-linear" stands for all
  std::vector<std::string> saved;         ///< modules that are trained whole, in a copy of their own
  double rank = 16, dropout = 0;
  double block = 32;                      ///< of a rotation
  const Format* format = fp32;            ///< of the adapters; saved modules keep the base's
  bool magnitudes = false;                ///< DoRA: a trained length for each output
  const Format* packed = nullptr;         ///< of base linears that are unpacked for each use; null: they lie as they are

  bool packs_head = false;                ///< the head of the vocabulary too
  bool packs_router = false;              ///< routers that are linears are packed too, where experts are modules

  /// Names by which adapters reach the matrices of stacked experts: those that the experts' linears had while each expert
  /// was a module. Source: [peft] utils/transformers_weight_conversion.py _MOE_TARGET_MODULE_MAPPING
  enum class StackNames {
    none,          ///< stacks get no adapter
    projections,   ///< gate_proj and up_proj, down_proj
    numbers,       ///< w1 and w3, w2
  };
  StackNames stacks = StackNames::none;
  /// The rank of an adapter of all experts' matrices, of gate and up together or of down; 0: there is none.
  [[nodiscard]] double rank_of_stack(bool joint) const;
  [[nodiscard]] bool adapts_router() const;

  /// A mixer's linears are called the same in all families; others go by what some family calls them too.
  enum class Names { all, its_own };
  [[nodiscard]] bool adapts(const char* linear, Names names = Names::all) const;
  [[nodiscard]] bool saves(const char* module) const;
};

/// A linear of a layer with parameters of its own: x [..., in] → [..., width], adapted as the machine's adaptation says.
Value dense(Machine& m, const char* name, Value x, double width, bool bias, bool transposed = false,
            Adaptation::Names names = Adaptation::Names::all);

/// x [..., in] times a weight [out, in] that may lie packed, as the machine's adaptation says.
Value product(Machine& m, Value x, const Value& weight, const Value& bias, const char* label);

}  // namespace gpumem
