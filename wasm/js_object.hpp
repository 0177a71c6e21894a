#pragma once
// A JavaScript value as a document. Depth and size are bounded: a page may hand over whatever its visitor pasted.

#include <emscripten/val.h>

#include <optional>

#include "gpumem/document.hpp"

namespace gpumem {

inline constexpr int deepest_nesting = 32;
inline constexpr int most_values = 100000;

/// `budget` ends below zero where a value was too large or too deep to be read whole.
inline Document read_js_value(const emscripten::val& value, int depth, int& budget) {
  if (--budget < 0) return {};
  if (depth > deepest_nesting) {
    budget = -1;
    return {};
  }
  const std::string type = value.typeOf().as<std::string>();
  if (type == "number") return value.as<double>();
  if (type == "boolean") return value.as<bool>();
  if (type == "string") return value.as<std::string>();
  if (type != "object" || value.isNull()) return {};
  if (value.isArray()) {
    Document list = Document::list();
    const auto length = value["length"].as<unsigned>();
    for (unsigned i = 0; i < length && budget >= 0; ++i) list.push(read_js_value(value[i], depth + 1, budget));
    return list;
  }
  Document record = Document::record();
  const emscripten::val keys = emscripten::val::global("Object").call<emscripten::val>("keys", value);
  const auto length = keys["length"].as<unsigned>();
  for (unsigned i = 0; i < length && budget >= 0; ++i) {
    std::string key = keys[i].as<std::string>();
    Document member = read_js_value(value[key], depth + 1, budget);
    record.append(key, std::move(member));
  }
  return record;
}

/// Nothing where the value is too large or too deep.
inline std::optional<Document> read_js(const emscripten::val& value) {
  int budget = most_values;
  Document read = read_js_value(value, 0, budget);
  if (budget < 0) return std::nullopt;
  return read;
}

}  // namespace gpumem
