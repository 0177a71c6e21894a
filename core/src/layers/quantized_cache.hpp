#pragma once
// Keys and values in few bits, as transformers' quantised cache keeps them: packed numbers with a scale and a zero a
// group, the newest rows unpacked until there are enough to pack everything anew.
// Source: [transformers] cache_utils.py QuantizedLayer, QuantoQuantizedLayer, HQQQuantizedLayer, Fp8QuantizedLayer

#include "machine/machine.hpp"

namespace gpumem {

struct CacheQuantization {
  enum class Backend { quanto, hqq, fp8 };
  Backend backend = Backend::quanto;
  double bits = 4, group = 64;
  double newest = 128;            ///< rows that are packed together; before that they lie unpacked

  /// What a number takes once it is packed, scale and zero included.
  [[nodiscard]] double bytes_per_number(const Format* compute) const;
};

/// Keys or values of one layer.
struct PackedRows {
  Value data, scale, zero;
  Value newest;                   ///< what came since; none: nothing did
};

struct PackedLayer {
  PackedRows keys, values;
  double packed = 0, waiting = 0; ///< rows
  double step = 1;                ///< rows that the last pass brought
  Shape row;                      ///< of keys [b, k, 1, d]
  Shape value_row;
};

struct PackedUpdate {
  Value keys, values;
};

/// Adds a pass's keys and values [b, k, s, d] and gives back all of them unpacked. The first pass gets back its own.
PackedUpdate update_packed(Machine& m, const CacheQuantization& how, PackedLayer& layer, const Value& key, const Value& value);

/// The layer as it is when that many rows have been seen, in passes as the last one.
void stretch_packed(Machine& m, const CacheQuantization& how, PackedLayer& layer, double seen);

/// Rows seen after the last of such passes that packs everything anew and does not go beyond `end`; 0: none does.
double last_packing(const CacheQuantization& how, const PackedLayer& layer, double end);

}  // namespace gpumem
