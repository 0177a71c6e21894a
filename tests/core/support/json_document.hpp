#pragma once
// JSON text as a document, for tests.

#include <nlohmann/json.hpp>

#include "gpumem/document.hpp"

namespace gpumem::test {

inline Document read(const nlohmann::ordered_json& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array()) {
    Document list = Document::list();
    for (const auto& item : json) list.push(read(item));
    return list;
  }
  if (!json.is_object()) return {};
  Document record = Document::record();
  for (const auto& [key, value] : json.items()) record.append(key, read(value));
  return record;
}

inline Document json(const char* text) { return read(nlohmann::ordered_json::parse(text)); }

}  // namespace gpumem::test
