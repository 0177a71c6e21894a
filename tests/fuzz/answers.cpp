#include "answers.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "gpumem/estimate.hpp"
#include "write_json.hpp"

namespace gpumem::fuzz {
namespace {

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
  return write_json(kept);
}

void check_figures(const Document& answer, const Document& facts, const std::string& text) {
  demand(finite(answer), "every number is finite", text);
  if (const Document* devices = answer.find("devices"))
    for (const Document& device : devices->items())
      demand(summed(*device.find("components")) == device.find("allocatedBytes")->number(), "components add up", text);
  const std::string once = figures(answer), again = figures(estimate(*answer.find("scenario"), facts));
  demand(once == again, "the echoed scenario has the same answer", once + "\n" + again);
}

}  // namespace

void check_answer(const Document& scenario, const Document& facts) {
  const Document answer = estimate(scenario, facts);
  const std::string text = write_json(answer);
  demand(text == write_json(estimate(scenario, facts)), "the same answer twice", text);
  if (answer.find("ok")->truth())
    check_figures(answer, facts, text);
  else
    demand(!answer.find("issues")->items().empty(), "a refusal has issues", text);
}

nlohmann::ordered_json parsed(const std::uint8_t* data, std::size_t size) {
  nlohmann::ordered_json read = nlohmann::ordered_json::parse(data, data + size, nullptr, false);
  return read.is_discarded() ? nlohmann::ordered_json() : read;
}

}  // namespace gpumem::fuzz
