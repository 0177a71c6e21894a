// Source: [transformers] configurations and constructors; counts here are worked by hand

#include <catch2/catch.hpp>

#include "architectures/expression.hpp"
#include "architectures/inventory.hpp"
#include "gpumem/estimate.hpp"
#include "json_document.hpp"

using namespace gpumem;
using test::json;

namespace {

/// A library with one type "t" whose class "C" has these items, and a field each of several kinds.
Document library(const char* items, const char* let = "{}") {
  const std::string text = std::string(R"({"t": {"fields": {"h": 8, "n": 3, "bias": false, "kinds": null, "none": null}, "aliases": {"h": ["width"]},
    "let": )") + let + R"(, "main": "C", "classes": {"C": )" + items + "}}}";
  return json(text.c_str());
}

struct Read {
  Inventory inventory;
  std::vector<Issue> issues;
};

Read read(const Document& config, const Document& lib) {
  Read r;
  Fields fields(&config, "model.config", r.issues);
  r.inventory = read_inventory(fields, lib);
  return r;
}

double total(const char* config, const Document& lib) {
  const Document c = json(config);
  const Read r = read(c, lib);
  REQUIRE(r.issues.empty());
  return r.inventory.total();
}

double value(const char* expression) {
  const Document lib = library("[]");
  Evaluation e;
  Scope scope(lib, "t", nullptr, nullptr, "");
  const double n = scope.number(json(expression), e);
  REQUIRE_FALSE(e.failed());
  return n;
}

}  // namespace

TEST_CASE("expressions follow Python's arithmetic", "[architectures]") {
  CHECK(value(R"(["+", "h", 2])") == 10);
  CHECK(value(R"(["//", ["-", 0, 7], 2])") == -4);
  CHECK(value(R"(["%", ["-", 0, 7], 4])") == 1);
  CHECK(value(R"(["ceil", ["/", "h", 3]])") == 3);
  CHECK(value(R"(["max", 1, "h", "n"])") == 8);
  CHECK(value(R"(["if", ["==", ["'", "a"], ["'", "a"]], 1, 2])") == 1);
  CHECK(value(R"(["sum", ["map", "$0", "n", ["*", "$0", 2]]])") == 6);
  CHECK(value(R"(["len", ["filter", "$0", 10, ["<", "$0", 4], "$0"]])") == 4);
  CHECK(value(R"(["at", ["list", 4, 5, 6], ["-", 0, 1]])") == 6);
  CHECK(value(R"(["if", ["contains", ["split", ["'", "gated-gelu"], ["'", "-"]], ["'", "gelu"]], 1, 0])") == 1);
}

TEST_CASE("absent fields take the class's defaults, older names count, derived fields follow", "[architectures]") {
  const Document lib = library(R"([["w", "h", "wide"]])", R"({"wide": ["*", "h", 4]})");
  CHECK(total(R"({"model_type": "t"})", lib) == 8 * 32);
  CHECK(total(R"({"model_type": "t", "h": 2})", lib) == 2 * 8);
  CHECK(total(R"({"model_type": "t", "width": 2})", lib) == 2 * 8);
}

TEST_CASE("loops repeat, conditions on a layer choose, alike tensors are one row", "[architectures]") {
  const Document lib = library(R"([{"for": ["$0", "n"], "do": [["layers.*.w", "h"], {"if": ["<", "$0", 1], "do": [["layers.*.first", 1]]},
    {"if": "bias", "do": [["layers.*.b", 1]]}]}])");
  const Document config = json(R"({"model_type": "t", "n": 5, "bias": true})");
  const Read r = read(config, lib);
  REQUIRE(r.issues.empty());
  CHECK(r.inventory.total() == 5 * 8 + 1 + 5);
  REQUIRE(r.inventory.tensors.size() == 3);
  CHECK(r.inventory.tensors[0].copies == 5);
}

TEST_CASE("an answer from an inventory has exact weights and says that activations are unknown", "[architectures]") {
  const Document lib = library(R"([["w", "h", "h"]])");
  Document facts = Document::record();
  facts.append("architectures", lib);
  const Document answer = estimate(json(R"({"model": {"config": {"model_type": "t"}}, "task": "inference", "detail": "tensors"})"), facts);
  REQUIRE(answer.find("ok")->truth());
  CHECK(answer.find("parameters")->find("total")->number() == 64);
  bool said = false;
  for (const Document& a : answer.find("assumptions")->items()) said = said || a.find("id")->text() == "activations-unknown";
  CHECK(said);
  const Document& device = answer.find("devices")->items()[0];
  CHECK(device.find("allocatedBytes")->number() == 512);
  CHECK(device.find("tensors")->items().size() == 1);
}

TEST_CASE("hostile configurations and inventories end in an issue", "[architectures]") {
  const Document loops = library(R"([{"for": ["$0", "n"], "do": [["w", "h"]]}])");
  for (const char* config : {R"({"model_type": "t", "n": 1e300})", R"({"model_type": "t", "h": -4})", R"({"model_type": "t", "h": "x"})",
                             R"({"model_type": "t", "h": null})", R"({"model_type": "t", "h": 1e300})", R"({"model_type": "t", "h": 1.5})",
                             R"({"model_type": "t", "n": 0})"}) {
    const Document c = json(config);
    const Read r = read(c, loops);
    INFO(config);
    REQUIRE(r.issues.size() == 1);
    CHECK(r.issues[0].path.rfind("model.config", 0) == 0);
  }
  const Document plain = json(R"({"model_type": "t"})");
  for (const char* items : {R"([["w", "unheard"]])", R"([{"use": "C"}])", R"([{"use": "D"}])", R"([["w", ["//", 1, 0]]])", R"([["w", ["nonsense", 1, 2]]])",
                            R"([{"for": ["$0", 1e9], "do": [{"for": ["$1", 1e9], "do": []}]}])", R"([["w", ["map", "$0", 1e12, "$0"]]])", R"([{}, 3, [], "x"])"}) {
    const Read r = read(plain, library(items));
    INFO(items);
    CHECK(r.issues.size() == 1);
  }
  const Read circle = read(plain, library(R"([["w", "a"]])", R"({"a": "b", "b": "a"})"));
  CHECK(circle.issues.size() == 1);
}
