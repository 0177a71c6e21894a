// Any JSON as a model's config.json: to be served and to be trained.

#include "answers.hpp"
#include "json_document.hpp"

using gpumem::Document;

namespace {

Document asked(const nlohmann::ordered_json& config, const char* task) {
  return gpumem::test::read({{"model", {{"config", config}}}, {"task", task}, {"detail", "summary"}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = gpumem::fuzz::parsed(data, size);
  if (!config.is_object()) return -1;
  for (const char* task : {"inference", "training"}) gpumem::fuzz::check_answer(asked(config, task), Document::record());
  return 0;
}
