// Engines that take a pool for their cache before the first request: what they are asked for, and what they answer.

#include "support/scenarios.hpp"

using namespace gpumem::test;

namespace {

Json served(const char* engine, const Json& options, const Json& more = Json::object()) {
  Json request = {{"model", {{"config", small_config(4)}}}, {"engine", {{"name", engine}, {"options", options}}}};
  for (const auto& [name, value] : more.items()) request[name] = value;
  return request;
}

double component(const Json& answer, const char* id) {
  for (const Json& c : answer["devices"][0]["components"])
    if (c["id"] == id) return c["bytes"].get<double>();
  return -1;
}

bool says(const Json& answer, const char* id) {
  for (const Json& a : answer["assumptions"])
    if (a["id"] == id) return true;
  return false;
}

// 4 layers of 2 heads of 64 numbers, keys and values in 16 bits: 2,048 B a token, 32,768 B a block of 16.
constexpr double block = 32768;

}  // namespace

TEST_CASE("vLLM takes the pool it is given, in whole blocks", "[serving]") {
  const Json a = estimated(served("vllm", {{"kv_cache_memory_bytes", 1000000}, {"max_model_len", 4096}}));
  REQUIRE(a["ok"] == true);
  CHECK(component(a, "kv-cache") == 30 * block);
  CHECK(a["kvCache"]["bytesPerToken"] == 2048);
  CHECK(a["kvCache"]["bytesPerSequence"] == 256 * block);
  CHECK(a["kvCache"]["tokensThatFit"] == 480);
  CHECK(a["scenario"]["engine"]["options"]["max_in_flight_tokens"] == 4096);
  CHECK(says(a, "takes-and-needs"));
  double sum = 0;
  for (const Json& c : a["devices"][0]["components"]) sum += c["bytes"].get<double>();
  CHECK(a["devices"][0]["allocatedBytes"] == sum);
}

TEST_CASE("without a device and without a pool, vLLM's pool is what the sequences need", "[serving]") {
  const Json a = estimated(served("vllm", Json::object(), {{"inference", {{"contextTokens", 100}, {"sequences", 3}}}}));
  CHECK(component(a, "kv-cache") == 3 * 7 * block);
  const Json overridden = estimated(served("vllm", {{"num_gpu_blocks_override", 11}}));
  CHECK(component(overridden, "kv-cache") == 11 * block);
}

TEST_CASE("on a device vLLM takes what its share leaves", "[serving]") {
  const Json a = estimated(served("vllm", {{"gpu_memory_utilization", 0.5}}, {{"hardware", {{"memory", "8 GiB"}}}}));
  const double held = a["devices"][0]["allocatedBytes"], half = 4294967296.0;
  CHECK(held < half);
  CHECK(half - held < 1e9);
  CHECK(a["devices"][0]["fits"] == true);
  // A share that does not hold one request: the engine would not start.
  const Json none = estimated(served("vllm", {{"gpu_memory_utilization", 0.1}}, {{"hardware", {{"memory", "1 GiB"}}}}));
  CHECK(none["devices"][0]["fits"] == false);
}

TEST_CASE("a cache in fp8 is half as large, and heads are spread over the GPUs", "[serving]") {
  const Json fp8 = estimated(served("vllm", {{"kv_cache_memory_bytes", 1000000}}, {{"inference", {{"kvFormat", "fp8"}}}}));
  CHECK(component(fp8, "kv-cache") == 61 * block / 2);
  const Json two = estimated(served("vllm", {{"kv_cache_memory_bytes", 1000000}}, {{"parallel", {{"tensor", 2}}}}));
  CHECK(component(two, "kv-cache") == 61 * block / 2);
  CHECK(two["devices"][0]["count"] == 2);
  CHECK(two["kvCache"]["bytes"] == 61 * block);
  CHECK(two["scenario"]["parallel"]["tensor"] == 2);
}

TEST_CASE("SGLang keeps a page beside its tokens, TensorRT-LLM does not", "[serving]") {
  const Json sglang = estimated(served("sglang", {{"max_total_tokens", 1000}}));
  CHECK(component(sglang, "kv-cache") == 1001 * 2048);
  CHECK(sglang["kvCache"]["tokensThatFit"] == 1000);
  const Json trt = estimated(served("tensorrt-llm", {{"max_tokens", 1024}}));
  CHECK(component(trt, "kv-cache") == 1024 * 2048);
}

TEST_CASE("what contradicts itself in a served scenario is an issue", "[serving]") {
  CHECK(issues_of(served("vllm", {{"gpu_memory_utilization", 0.9}}, {{"inference", {{"memoryFraction", 0.8}}}})) ==
        std::map<std::string, std::string>{{"inference.memoryFraction", "contradiction"}});
  CHECK(issues_of(served("vllm", {{"max_model_len", 100}}, {{"inference", {{"contextTokens", 200}}}})) ==
        std::map<std::string, std::string>{{"inference.contextTokens", "contradiction"}});
  CHECK(issues_of(served("vllm", {{"gpu_memory_utilization", 1.5}, {"max_num_seqs", 0}})) ==
        std::map<std::string, std::string>{{"engine.options.gpu_memory_utilization", "out-of-range"}, {"engine.options.max_num_seqs", "out-of-range"}});
  CHECK(issues_of(served("vllm", Json::object(), {{"parallel", {{"tensor", 3}}}})) ==
        std::map<std::string, std::string>{{"parallel.tensor", "contradiction"}});
  CHECK(says(estimated(served("vllm", {{"swap_space", 4}})), "ignored-option"));
}
