// What JavaScript may call. A request crosses as a plain object, an answer as JSON text; nothing else crosses.

#include <emscripten/bind.h>

#include "gpumem/estimate.hpp"
#include "js_object.hpp"
#include "write_json.hpp"

namespace {

std::string estimate(const emscripten::val& scenario, const emscripten::val& facts) {
  return gpumem::write_json(gpumem::estimate(gpumem::read_js(scenario), gpumem::read_js(facts)));
}

std::string describe() { return gpumem::write_json(gpumem::describe()); }

std::string version() { return GPUMEM_VERSION; }

}  // namespace

EMSCRIPTEN_BINDINGS(gpumem) {
  emscripten::function("estimate", &estimate);
  emscripten::function("describe", &describe);
  emscripten::function("version", &version);
}
