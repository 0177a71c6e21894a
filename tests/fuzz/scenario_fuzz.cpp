// Any JSON as a scenario with its facts: the estimate always comes, is the same twice, adds up, and the completed scenario that it
// echoes has the same answer.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "gpumem/estimate.hpp"
#include "json_document.hpp"
#include "mutate.hpp"
#include "write_json.hpp"

namespace {

using gpumem::Document;
using gpumem::fuzz::Dice;
using gpumem::fuzz::Json;

void demand(bool holds, const char* what, const std::string& seen) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n%s\n", what, seen.c_str());
  std::abort();
}

bool finite(const Document& d) {
  if (d.is(Document::Kind::number)) return std::isfinite(d.number());
  if (d.is(Document::Kind::record))
    for (const auto& [name, value] : d.members())
      if (!finite(value)) return false;
  if (d.is(Document::Kind::list))
    for (const Document& item : d.items())
      if (!finite(item)) return false;
  return true;
}

double summed(const Document& components) {
  double sum = 0;
  for (const Document& one : components.items()) sum += one.find("bytes")->number();
  return sum;
}

/// The answer's text without its assumptions: a default that was assumed is given in the echo.
std::string figures(const Document& answer) {
  Document kept = Document::record();
  for (const auto& [name, value] : answer.members())
    if (name != "assumptions") kept.append(name, value);
  return gpumem::write_json(kept);
}

void check(const Document& answer, const Document& facts, const std::string& text) {
  demand(finite(answer), "every number is finite", text);
  if (const Document* devices = answer.find("devices"))
    for (const Document& device : devices->items())
      demand(summed(*device.find("components")) == device.find("allocatedBytes")->number(), "components add up", text);
  const std::string once = figures(answer), again = figures(gpumem::estimate(*answer.find("scenario"), facts));
  demand(once == again, "the echoed scenario has the same answer", once + "\n" + again);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Json input = Json::parse(data, data + size, nullptr, false);
  if (input.is_discarded() || !input.is_object()) return -1;
  const Document scenario = gpumem::test::read(input.value("scenario", Json())), facts = gpumem::test::read(input.value("facts", Json::object()));
  const Document answer = gpumem::estimate(scenario, facts);
  const std::string text = gpumem::write_json(answer);
  demand(text == gpumem::write_json(gpumem::estimate(scenario, facts)), "the same answer twice", text);
  if (answer.find("ok")->truth())
    check(answer, facts, text);
  else
    demand(!answer.find("issues")->items().empty(), "a refusal has issues", text);
  return 0;
}

/// Text of at most `longest` bytes goes to `data`; what is longer is dropped, and the input stays what it was.
static std::size_t put(const Json& json, std::uint8_t* data, std::size_t size, std::size_t longest) {
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > longest) return size;
  std::copy(text.begin(), text.end(), data);
  return text.size();
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t longest, unsigned seed) {
  Json json = Json::parse(data, data + size, nullptr, false);
  if (json.is_discarded()) json = Json::object({{"scenario", Json::object()}, {"facts", Json::object()}});
  Dice dice(seed + 1);
  for (std::size_t changes = 1 + dice() % 3; changes > 0; --changes) gpumem::fuzz::mutate(json, dice);
  return put(json, data, size, longest);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* one, std::size_t one_size, const std::uint8_t* other, std::size_t other_size,
                                                 std::uint8_t* out, std::size_t longest, unsigned seed) {
  Json json = Json::parse(one, one + one_size, nullptr, false);
  const Json from = Json::parse(other, other + other_size, nullptr, false);
  if (json.is_discarded() || from.is_discarded()) return 0;
  Dice dice(seed + 1);
  gpumem::fuzz::graft(json, from, dice);
  return put(json, out, 0, longest);
}
