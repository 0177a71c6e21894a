#pragma once
// Requests as JSON, read and run natively.

#include <catch2/catch.hpp>

#include "estimate/run.hpp"
#include "gpumem/estimate.hpp"
#include "json_document.hpp"

namespace gpumem::test {

using Json = nlohmann::ordered_json;

inline Json json_of(const Document& d) {
  switch (d.kind()) {
    case Document::Kind::null: return nullptr;
    case Document::Kind::boolean: return d.truth();
    case Document::Kind::number: return d.number();
    case Document::Kind::text: return d.text();
    case Document::Kind::list: {
      Json list = Json::array();
      for (const Document& item : d.items()) list.push_back(json_of(item));
      return list;
    }
    case Document::Kind::record: break;
  }
  Json record = Json::object();
  for (const auto& [name, value] : d.members()) record[name] = json_of(value);
  return record;
}

inline Json estimated(const Json& request, const Json& facts = Json::object()) {
  return json_of(estimate(read(request), read(facts)));
}

/// The codes of all issues by path, or nothing where the request is sound.
inline std::map<std::string, std::string> issues_of(const Json& request, const Json& facts = Json::object()) {
  const Json answer = estimated(request, facts);
  std::map<std::string, std::string> codes;
  if (answer["ok"] == true) return codes;
  for (const Json& issue : answer["issues"]) {
    CHECK_FALSE(issue["message"].get<std::string>().empty());
    codes[issue["path"].get<std::string>()] = issue["code"].get<std::string>();
  }
  return codes;
}

/// The most bytes of a phase.
inline double highest(const Json& answer, const char* phase) {
  double bytes = 0;
  for (const Json& point : answer["timeline"])
    if (point["phase"] == phase) bytes = std::max(bytes, point["bytes"].get<double>());
  return bytes;
}

/// A step's four phases, up to a few scalars: those that live on the processor were measured too, each as 512 B.
inline void check_phases(const Json& request, const std::vector<double>& measured, double apart = 4 * 512) {
  const Json answer = estimated(request);
  const char* const names[] = {"forward", "loss", "backward", "optimizer-step"};
  for (std::size_t i = 0; i < std::size(names); ++i) CHECK(std::abs(highest(answer, names[i]) - measured[i]) <= apart);
}

/// A plain small decoder.
inline Json small_config(int layers = 2) {
  return {{"model_type", "llama"},       {"hidden_size", 256},          {"intermediate_size", 512},
          {"num_attention_heads", 4},    {"num_key_value_heads", 2},    {"num_hidden_layers", layers},
          {"vocab_size", 1000},          {"max_position_embeddings", 8192}};
}

}  // namespace gpumem::test
