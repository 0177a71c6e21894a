// Models cut into the stages of a pipeline that serves: the stages sum to the whole, and hold pools of as many blocks.

#include "placement/pipeline_stages.hpp"
#include "quantization/program_tensors.hpp"
#include "support/bench.hpp"
#include "support/scenarios.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

Json served(double stages, double tensor = 1, int layers = 6, bool tied = false) {
  Json config = small_config(layers);
  config["tie_word_embeddings"] = tied;
  config["vocab_size"] = 4096;
  return {{"model", {{"config", config}}}, {"task", "inference"}, {"engine", {{"name", "vllm"}, {"options", {{"enforce_eager", true}}}}},
          {"inference", {{"contextTokens", 1024}, {"sequences", 4}}}, {"parallel", {{"pipeline", stages}, {"tensor", tensor}}}, {"hardware", {{"memory", "8 GiB"}, {"count", stages * tensor}}}};
}

double part(const Json& device, const char* id) {
  for (const Json& c : device["components"])
    if (c["id"] == id) return c["bytes"];
  return 0;
}

double numbers(const StoredTensors& tensors) {
  double sum = 0;
  for (const StoredTensor& t : tensors) sum += in(elements, t.shape.count()) * t.copies;
  return sum;
}

Decoder decoder_of(const Json& request) {
  std::vector<Issue> issues;
  const Document document = read(request), nothing = Document::record();
  return *read_scenario(document, nothing, issues).model;
}

}  // namespace

TEST_CASE("Layers are shared out as vLLM does") {
  // Its own tests' figures (tests/distributed/test_pipeline_partition.py): what is left over goes before the last stage.
  CHECK(layers_by_stage(2, 2) == std::vector<int>{1, 1});
  CHECK(layers_by_stage(3, 2) == std::vector<int>{2, 1});
  CHECK(layers_by_stage(5, 3) == std::vector<int>{2, 2, 1});
  CHECK(layers_by_stage(4, 3) == std::vector<int>{1, 2, 1});
  for (int layers = 1; layers < 100; layers += 7)
    for (int stages = 1; stages <= layers; stages += 3) {
      int sum = 0;
      for (const int count : layers_by_stage(layers, stages)) sum += count;
      CHECK(sum == layers);
    }
}

TEST_CASE("The stages' tensors are the model's, a shared token table once more") {
  for (const bool tied : {false, true})
    for (const int layers : {4, 7, 13}) {
      const Decoder whole = decoder_of(served(1, 1, layers, tied));
      for (const int stages : {2, 3, 4}) {
        double sum = 0;
        int first = 0;
        const std::vector<int> counts = layers_by_stage(layers, stages);
        for (int i = 0; i < stages; ++i) {
          const bool ends = i + 1 == stages;
          StoredTensors held = program_tensors(decoder_of_stage(whole, first, counts[static_cast<std::size_t>(i)]));
          leave_out_of_stage(held, i == 0 || (ends && tied), ends);
          sum += numbers(held);
          first += counts[static_cast<std::size_t>(i)];
        }
        CHECK(sum == numbers(program_tensors(whole)) + (tied ? 4096 * 256 : 0));
      }
    }
}

TEST_CASE("Each stage is a device, and all hold as many blocks as the fullest one") {
  const Json answer = estimated(served(4));   // of six layers: 1, 2, 2, 1
  REQUIRE(answer["devices"].size() == 4);
  std::map<std::string, double> pools;
  for (const Json& d : answer["devices"]) pools[d["role"]] = part(d, "kv-cache");
  CHECK(pools["stage 1"] == pools["stage 2"]);
  CHECK(pools["stage 1"] == 2 * pools["stage 0"]);
  CHECK(pools["stage 3"] == pools["stage 0"]);
  double sum = 0;
  for (const auto& [role, pool] : pools) sum += pool;
  CHECK(answer["kvCache"]["bytes"] == sum);
  const double per_token = 6 * 2 * 2 * 64 * 2;   // layers × (key and value) × heads × head dim × bytes
  CHECK(answer["kvCache"]["bytesPerToken"] == per_token);
  CHECK(answer["kvCache"]["concurrency"].get<double>() * 1024 * per_token == Approx(sum));
  CHECK(answer["scenario"]["parallel"]["pipeline"] == 4);
  CHECK(estimated(answer["scenario"])["devices"] == answer["devices"]);
}

TEST_CASE("Only the last stage makes logits, only the first one holds the token table") {
  const Json answer = estimated(served(2, 2));
  for (const Json& d : answer["devices"]) {
    CHECK(d["count"] == 2);
    CHECK((part(d, "logits") > 0) == (d["role"] == "stage 1"));
  }
}

TEST_CASE("A pipeline of more stages than layers is an issue") {
  CHECK(issues_of(served(7))["parallel.pipeline"] == "contradiction");
}
