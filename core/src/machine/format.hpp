#pragma once
// Number formats: how many bytes a block of stored elements takes. The rows come from catalog/formats.

#include <string_view>

#include "gpumem/units.hpp"
#include "gpumem_catalog.hpp"

namespace gpumem {

using Format = catalog::FormatRow;

/// The row of that id, or null.
constexpr const Format* find_format(std::string_view id) {
  for (const Format& row : catalog::formats)
    if (row.id == id) return &row;
  return nullptr;
}

/// The row of an id the core itself relies on: its absence does not compile.
consteval const Format* format(std::string_view id) {
  std::size_t row = 0;
  while (catalog::formats[row].id != id) ++row;   // past the end is no constant expression
  return &catalog::formats[row];
}

inline constexpr const Format* fp32 = format("fp32");
inline constexpr const Format* fp16 = format("fp16");
inline constexpr const Format* bf16 = format("bf16");
inline constexpr const Format* int64 = format("int64");
inline constexpr const Format* int32 = format("int32");
inline constexpr const Format* uint8 = format("uint8");
inline constexpr const Format* byte_flag = format("bool");

/// Bytes of so many elements, a last block that is not full counted whole.
inline Bytes stored_bytes(Elements count, const Format& format) {
  const double blocks = std::ceil(in(elements, count) / format.block_elements);
  return bytes(blocks * format.block_bytes);
}

/// The format in which PyTorch computes an operation on two floating-point operands.
/// Source: [pytorch] c10/core/ScalarType.h promoteTypes
inline const Format* promoted(const Format* a, const Format* b) {
  if (a == b) return a;
  return fp32;
}

}  // namespace gpumem
