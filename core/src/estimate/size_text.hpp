#pragma once
#include <optional>
#include <string_view>

#include "architectures/fields.hpp"
#include "gpumem/units.hpp"

namespace gpumem {

/// "24 GiB", "80 GB", "512 MB", "1.5 TiB", "100 B": decimal and binary units are different and both accepted.
/// Nothing for anything else: a missing or unknown unit, no number, a negative one.
std::optional<Bytes> parse_size(std::string_view text);

/// A field that holds bytes, or text with a unit; anything else is an issue.
std::optional<Bytes> read_size(Fields& fields, std::string_view name);

}  // namespace gpumem
