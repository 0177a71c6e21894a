// What JavaScript may call. A request crosses as a plain object, an answer as JSON text; nothing else crosses.

#include <emscripten/bind.h>

#include "gpumem/estimate.hpp"
#include "js_object.hpp"
#include "write_json.hpp"

namespace {

std::string estimate(const emscripten::val& scenario, const emscripten::val& facts) {
  using gpumem::Document;
  const std::optional<Document> request = gpumem::read_js(scenario);
  const std::optional<Document> known = gpumem::read_js(facts);
  if (request && known) return gpumem::write_json(gpumem::estimate(*request, *known));
  Document issues = Document::list();
  issues.push(Document::record({{"path", request ? "model.config" : ""},
                                {"code", "too-large"},
                                {"message", "holds more than 100000 values, or is nested more than 32 levels deep"}}));
  return gpumem::write_json(Document::record({{"ok", false}, {"issues", issues}}));
}

std::string describe() { return gpumem::write_json(gpumem::describe()); }

std::string version() { return GPUMEM_VERSION; }

}  // namespace

EMSCRIPTEN_BINDINGS(gpumem) {
  emscripten::function("estimate", &estimate);
  emscripten::function("describe", &describe);
  emscripten::function("version", &version);
}
