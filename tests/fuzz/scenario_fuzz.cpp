// Any JSON as a scenario with its facts.

#include "answers.hpp"
#include "json_document.hpp"

using gpumem::fuzz::parsed;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = parsed(data, size);
  if (!input.is_object()) return -1;
  using Json = nlohmann::ordered_json;
  gpumem::fuzz::check_answer(gpumem::test::read(input.value("scenario", Json())), gpumem::test::read(input.value("facts", Json::object())));
  return 0;
}
