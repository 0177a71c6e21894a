#pragma once
// Transformer Engine's linears: what they keep, and what they gather and scatter under sequence parallelism.

#include "layers/megatron/share.hpp"

namespace gpumem::megatron {

/// Which side of a weight [out, in] is divided over the tensor ranks; `whole`: every rank has all of it.
enum class Divided { outputs, inputs, whole };

struct Linear {
  const char* name;
  double out = 0;             ///< of this rank
  Divided divided = Divided::outputs;
  std::optional<NormKind> norm{};   ///< applied to the input by the same module
  bool bias = false;
  bool gathers = true;        ///< its input still has to be gathered
};

/// x [rows, in] → [rows, out].
Value linear(Machine& m, const Pass& pass, Value x, const Linear& layer);

/// x [rows, width] normalised by one kernel, which keeps its input and a number for each row.
Value norm(Machine& m, const char* name, NormKind kind, Value x);

/// Routed experts' products: x [rows, in], weights [experts, out, in].
Value grouped_linear(Machine& m, const Pass& pass, Value x, const char* name, double out);

/// A kernel that makes something like its input and keeps nothing: rotation, exchange between ranks, another order.
Value moved(Machine& m, Value x, const char* label);
Value moved_to(Machine& m, Value x, const Shape& shape, const char* label);

}  // namespace gpumem::megatron
