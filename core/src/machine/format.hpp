#pragma once
// Number formats: how many bytes a block of stored elements takes. The rows come from catalog/formats.

#include <string_view>

#include "gpumem/units.hpp"
#include "gpumem_catalog.hpp"
#include "machine/shape.hpp"

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

/// Bytes of what lies beside the blocks of a tensor in one extra: scales, zeros, codebooks.
/// A tensor of more than two extents is a stack of matrices [out, in].
inline Bytes extra_bytes(const Shape& shape, const catalog::FormatExtra& extra) {
  const double count = in(elements, shape.count());
  if (extra.elements > 0) return bytes(std::ceil(count / extra.elements) * extra.bytes);
  const double columns = shape.rank > 0 ? shape[-1] : 1, rows = shape.rank > 1 ? shape[-2] : 1;
  const double down = extra.rows > 0 ? std::ceil(rows / extra.rows) : 1, across = extra.columns > 0 ? std::ceil(columns / extra.columns) : 1;
  return bytes(std::ceil(count / (rows * columns) * down * across * extra.bytes));
}

/// About the bytes of so many numbers in matrices of unknown shape: with the extras of groups, without those of whole rows.
inline Bytes stored_bytes_of_any(Elements count, const Format& format) {
  Bytes sum = stored_bytes(count, format);
  for (int i = 0; i < format.extras; ++i) {
    const catalog::FormatExtra& e = catalog::format_extras[format.first_extra + i];
    const double group = e.elements > 0 ? e.elements : e.rows > 0 && e.columns > 0 ? e.rows * e.columns : 0;
    if (group > 0) sum += whole(bytes(in(elements, count) / group * e.bytes));
  }
  return sum;
}

/// Bytes of a tensor as a file holds it, each part of it rounded up to `unit`.
inline Bytes stored_bytes(const Shape& shape, const Format& format, Bytes unit = bytes(1)) {
  Bytes sum = stored_bytes(shape.count(), format).rounded_up_to(unit);
  for (int i = 0; i < format.extras; ++i)
    sum += extra_bytes(shape, catalog::format_extras[format.first_extra + i]).rounded_up_to(unit);
  return sum;
}

/// The format in which PyTorch computes an operation on two floating-point operands.
/// Source: [pytorch] c10/core/ScalarType.h promoteTypes
inline const Format* promoted(const Format* a, const Format* b) {
  if (a == b) return a;
  return fp32;
}

}  // namespace gpumem
