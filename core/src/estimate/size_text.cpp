#include "estimate/size_text.hpp"

#include <array>
#include <cmath>

#include "architectures/field_log.hpp"
#include "machine/parts.hpp"

namespace gpumem {
namespace {

struct Unit {
  std::string_view name;
  Bytes one;
};

constexpr std::array units = {Unit{"B", bytes(1)},       Unit{"kB", kb(1)},    Unit{"KB", kb(1)},
                              Unit{"MB", mb(1)},         Unit{"GB", gb(1)},    Unit{"TB", gb(1000)},
                              Unit{"KiB", kib(1)},       Unit{"MiB", mib(1)},  Unit{"GiB", gib(1)},
                              Unit{"TiB", gib(1024)}};

/// Digits with at most one point among them; exact for what people write (below 2^53, up to 22 decimals).
std::optional<double> parse_decimal(std::string_view text) {
  double value = 0, divisor = 1;
  bool point = false, any = false;
  for (const char c : text) {
    if (c == '.' && point) return std::nullopt;
    if (c == '.') {
      point = true;
      continue;
    }
    value = value * 10 + (c - '0');
    if (point) divisor *= 10;
    any = true;
  }
  if (!any || !std::isfinite(value / divisor)) return std::nullopt;
  return value / divisor;
}

}  // namespace

std::optional<Bytes> parse_size(std::string_view text) {
  const std::size_t digits = text.find_first_not_of("0123456789.");
  if (digits == std::string_view::npos) return std::nullopt;
  const std::optional<double> count = parse_decimal(text.substr(0, digits));
  if (!count) return std::nullopt;
  std::string_view name = text.substr(digits);
  while (name.starts_with(' ')) name.remove_prefix(1);
  for (const Unit& unit : units)
    if (unit.name == name) return unit.one * *count;
  return std::nullopt;
}

std::optional<Bytes> read_size(Fields& f, std::string_view name) {
  const Document* v = f.value({name});
  if (whole_engine && FieldLog::is_open()) FieldLog::note({text_of({f.path(), ".", name}), "size", {}, {}, {}, {}});
  if (!v) return std::nullopt;
  std::optional<Bytes> size;
  if (v->is(Document::Kind::number) && v->number() >= 0 && v->number() <= 9007199254740992.0) size = bytes(v->number());
  if (v->is(Document::Kind::text)) size = parse_size(v->text());
  if (!size) f.report(name, "not-a-size", "must be bytes, or text with a unit such as \"24 GiB\" or \"80 GB\"");
  return size;
}

}  // namespace gpumem
