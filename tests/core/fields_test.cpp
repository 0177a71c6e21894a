// The fields that a scenario may have, as their readers tell them.

#include "support/scenarios.hpp"

using namespace gpumem::test;

namespace {

/// By path.
Json fields(const Json& request) {
  Json rows = Json::object();
  for (const Json& row : json_of(gpumem::fields_of(read(request), read(Json::object())))) rows[row["path"].get<std::string>()] = row;
  return rows;
}

Json asked(const char* task, const char* engine, const Json& more = Json::object()) {
  Json request = {{"model", {{"config", small_config()}}}, {"task", task}, {"engine", {{"name", engine}}}};
  for (const auto& [name, value] : more.items()) request[name] = value;
  return request;
}

}  // namespace

TEST_CASE("A field is told with the default its answer is made with, its range, its unit and its words", "[fields]") {
  const Json f = fields(asked("inference", "transformers"));
  CHECK(f["inference.contextTokens"] == Json({{"path", "inference.contextTokens"}, {"kind", "count"}, {"default", 4096}, {"unit", "tokens"}, {"least", 1}, {"most", 1 << 28}}));
  CHECK(f["inference.promptTokens"]["default"] == 4096);   // what it follows, not the 0 that stands for its absence
  CHECK(f["task"]["words"] == Json({"inference", "training"}));
  CHECK(f["inference.attention"]["default"] == "flash");
  CHECK(f["quick.bytesPerSample"] == Json({{"path", "quick.bytesPerSample"}, {"kind", "size"}, {"unit", "bytes"}}));
  CHECK_FALSE(f.contains("training.microBatch"));
}

TEST_CASE("Defaults are those of the model and of the engine", "[fields]") {
  Json shorter = asked("inference", "transformers");
  shorter["model"]["config"]["max_position_embeddings"] = 1024;
  CHECK(fields(shorter)["inference.contextTokens"]["default"] == 1024);
  const Json vllm = fields(asked("inference", "vllm"));
  CHECK(vllm["engine.options.max_num_seqs"]["default"] == 256);
  CHECK(vllm["engine.options.kv_cache_memory_bytes"]["kind"] == "size");
  CHECK(vllm["inference.memoryFraction"]["least"] == 0.01);
  CHECK(fields(asked("training", "fsdp"))["parallel.zero"]["default"] == 3);
}

TEST_CASE("An option that is only read where it is given is told with its kind all the same", "[fields]") {
  const Json f = fields(asked("training", "torch"));
  CHECK(f["engine.options.fast_rms_layernorm"]["kind"] == "flag");
  CHECK(f["engine.options.max_split_size_mb"]["least"] == 21);
}

TEST_CASE("The configuration's own fields are not the scenario's, and records are told by what is in them", "[fields]") {
  const Json f = fields(asked("training", "torch", {{"training", {{"method", "lora"}}}}));
  for (const auto& [path, row] : f.items()) CHECK(path.rfind("model.config.", 0) != 0);
  CHECK_FALSE(f.contains("training"));
  CHECK(f["training.lora.rank"]["default"] == 16);
  CHECK(f["training.lora.targets"]["default"] == Json({"q_proj", "v_proj"}));
}

TEST_CASE("Asking for the fields leaves no trace in the next answer", "[fields]") {
  const Json request = asked("inference", "vllm");
  const Json before = estimated(request);
  fields(request);
  CHECK(estimated(request) == before);
}
