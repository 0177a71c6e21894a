#include "estimate/size_text.hpp"

#include <array>
#include <cstdlib>
#include <string>

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

}  // namespace

std::optional<Bytes> parse_size(std::string_view text) {
  const std::size_t digits = text.find_first_not_of("0123456789.");
  if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
  const std::string number(text.substr(0, digits));
  char* end = nullptr;
  const double count = std::strtod(number.c_str(), &end);
  if (*end != '\0') return std::nullopt;
  std::string_view name = text.substr(digits);
  while (name.starts_with(' ')) name.remove_prefix(1);
  for (const Unit& unit : units)
    if (unit.name == name) return unit.one * count;
  return std::nullopt;
}

}  // namespace gpumem
