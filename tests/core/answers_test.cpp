// Questions that are answered by asking the estimate again.

#include "answers/asker.hpp"
#include "answers/inverse.hpp"
#include "support/scenarios.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

Json with(const Json& change, const Json& request) {
  Json made = request;
  made.merge_patch(change);
  return made;
}

bool fits(const Json& request) {
  Json plain = request;
  plain["questions"] = Json::array();
  const Json answer = estimated(plain);
  if (answer["ok"] != true) return false;
  for (const Json& device : answer["devices"])
    if (device.contains("fits") && device["fits"] != true) return false;
  return true;
}

Json inference(const char* memory) {
  return {{"model", {{"config", small_config(4)}}}, {"hardware", {{"memory", memory}}}};
}

Json training(const char* memory, const Json& more = Json::object()) {
  Json request = {{"model", {{"config", small_config(4)}}}, {"task", "training"}, {"training", more}, {"hardware", {{"memory", memory}}}};
  request["training"]["sequenceTokens"] = 1024;
  return request;
}

double needed(const Json& request) {
  Json plain = request;
  plain["questions"] = Json::array();
  return estimated(plain)["devices"][0]["processBytes"]["expected"];
}

/// The request on a card that lacks so many bytes.
Json short_of(double lack, Json request) {
  request["hardware"]["memory"] = needed(request) - lack;
  return request;
}

void check_inverse(const Json& request, const char* group, const char* field, double most) {
  INFO(field << " " << most);
  CHECK(fits(with({{group, {{field, most}}}}, request)));
  CHECK_FALSE(fits(with({{group, {{field, most + 1}}}}, request)));
}

}  // namespace

TEST_CASE("The largest number that fits is found from either side, wherever the search starts") {
  for (const double limit : {1.0, 2.0, 7.0, 100.0, 4095.0, 1e6})
    for (const double start : {1.0, 50.0, 1e5}) {
      int asked = 0;
      const auto line = [&](double at) { return ++asked, (limit - at) * 3 + 1; };
      CHECK(largest_that_fits(1, 1 << 28, start, line) == limit);
      CHECK(asked < 25);
      CHECK(largest_that_fits(1, 1 << 28, start, [&](double at) { return limit * limit - at * at; }) == limit);
      CHECK(largest_that_fits(1, 1 << 28, start, [&](double at) { return at <= limit ? 0.0 : -1.0; }) == limit);
    }
  CHECK(largest_that_fits(1, 100, 5, [](double) { return -1.0; }) == 0);
  CHECK_FALSE(largest_that_fits(1, 100, 5, [](double) { return 1.0; }).has_value());
  CHECK(largest_that_fits(0, 3, 3, [](double at) { return 2.5 - at; }) == 2);
}

TEST_CASE("A merge patch replaces members and goes into records") {
  Document base = json(R"({"a": {"b": 1, "c": 2}, "d": 3})");
  merge(base, json(R"({"a": {"b": {"e": 4}}, "d": [5], "f": {"g": 6}})"));
  CHECK(json_of(base) == Json::parse(R"({"a": {"b": {"e": 4}, "c": 2}, "d": [5], "f": {"g": 6}})"));
}

TEST_CASE("What fits is exact: it fits, and one more does not") {
  for (const char* memory : {"900 MiB", "2 GiB", "7 GB"}) {
    const Json request = inference(memory);
    const Json fit = estimated(request)["fit"];
    check_inverse(request, "inference", "contextTokens", fit["maxContextTokens"]);
    check_inverse(request, "inference", "sequences", fit["maxSequences"]);
    CHECK(fit["gpusNeeded"] == 1);
  }
  for (const char* memory : {"900 MiB", "3 GiB"})
    for (const char* checkpointing : {"none", "full"}) {
      const Json request = training(memory, {{"checkpointing", checkpointing}, {"microBatch", 4}});
      const Json fit = estimated(request)["fit"];
      check_inverse(request, "training", "microBatch", fit["maxMicroBatch"]);
      check_inverse(request, "training", "sequenceTokens", fit["maxSequenceTokens"]);
    }
}

TEST_CASE("What limits is named: the part that grows, or the part that alone is too much") {
  Json short_prompts = inference("2 GiB");
  short_prompts["inference"] = {{"promptTokens", 16}};
  CHECK(estimated(short_prompts)["fit"]["limits"]["maxSequences"] == "kv-cache");
  CHECK(estimated(inference("2 GiB"))["fit"]["limits"]["maxSequences"] == "activations");   // of the prompts
  const Json none = estimated({{"model", {{"parameters", 7e9}}}, {"hardware", {{"memory", "1 GiB"}}}})["fit"];
  CHECK_FALSE(none.contains("gpusNeeded"));
  CHECK_FALSE(none.contains("maxContextTokens"));
  Json large = inference("600 MiB");
  large["model"]["config"]["hidden_size"] = 4096;
  large["model"]["config"]["num_hidden_layers"] = 8;
  const Json fit = estimated(large)["fit"];
  CHECK(fit["maxContextTokens"] == 0);
  CHECK(fit["limitedBy"] == "weights");
}

TEST_CASE("GPUs are counted over the splits that the engine's profile computes") {
  Json request = inference("700 MiB");
  request["model"]["config"]["hidden_size"] = 2048;
  request["model"]["config"]["intermediate_size"] = 8192;
  request["weights"] = "Q8_0";
  const Json fit = estimated(request)["fit"];
  const double gpus = fit["gpusNeeded"];
  CHECK(gpus > 1);
  CHECK(fit["layout"]["pipeline"] == gpus);
  CHECK(fits(with({{"parallel", fit["layout"]}}, request)));
  CHECK_FALSE(fits(with({{"parallel", {{"pipeline", gpus - 1}}}}, request)));
  const double layers = fit["maxGpuLayers"];
  CHECK(fits(with({{"engine", {{"options", {{"n_gpu_layers", layers}}}}}}, request)));
  CHECK_FALSE(fits(with({{"engine", {{"options", {{"n_gpu_layers", layers + 1}}}}}}, request)));
}

TEST_CASE("Activations too large for one GPU are shared by those that share linears") {
  Json request = training("80 GiB", {{"microBatch", 8}, {"checkpointing", "full"}});
  request["model"]["config"]["hidden_size"] = 2048;
  request["model"]["config"]["intermediate_size"] = 8192;
  request["engine"] = {{"name", "fsdp"}};
  request["parallel"] = {{"data", 1024}, {"zero", 3}};
  request = short_of(1e6, request);   // the rest of it does not shrink with the ranks
  const Json fit = estimated(request)["fit"];
  REQUIRE(fit["layout"]["tensor"] > 1);
  CHECK(fits(with({{"parallel", fit["layout"]}}, request)));
  CHECK_FALSE(fits(request));
}

TEST_CASE("Advice is what the changed scenario answers") {
  const Json request = short_of(1e6, training("80 GiB", {{"microBatch", 4}, {"optimizerStep", "foreach"}}));
  const Json before = estimated(request);
  REQUIRE(before["devices"][0]["fits"] == false);
  REQUIRE(before["advice"].size() > 2);
  bool still = true;
  for (const Json& row : before["advice"]) {
    INFO(row.dump());
    const Json after = estimated(with({{"questions", Json::array()}}, with(row["change"], request)));
    REQUIRE(after["ok"] == true);
    const auto process = [](const Json& answer) { return answer["devices"][0]["processBytes"]["expected"].get<double>(); };
    CHECK(row["savesBytes"].get<double>() == process(before) - process(after));
    CHECK(row["savesBytes"].get<double>() > 0);
    CHECK(row["fits"] == after["devices"][0]["fits"]);
    CHECK((still || row["fits"] == false));   // those that are enough come first
    still = row["fits"] == true;
  }
}

TEST_CASE("Where no change alone is enough, two or more are put together") {
  Json open = training("80 GiB", {{"microBatch", 4}});
  const double all = needed(open);
  const double least = needed(with({{"training", {{"microBatch", 1}, {"gradientAccumulation", 4}, {"checkpointing", "full"}, {"kernels", "liger"}, {"crossEntropy", "fused"}}}}, open));
  const Json request = short_of(all - least, open);
  const Json advice = estimated(request)["advice"];
  REQUIRE_FALSE(advice.empty());
  CHECK(advice[0]["fits"] == true);
  CHECK(advice[0]["id"].get<std::string>().find('+') != std::string::npos);
}

TEST_CASE("What fits with room to spare gets no advice; without hardware all savings are listed and nothing is said to fit") {
  CHECK(estimated(inference("80 GiB"))["advice"].empty());
  Json open = training("1 GiB");
  open.erase("hardware");
  CHECK_FALSE(estimated(open).contains("advice"));
  open["questions"] = {"advice", "fit"};
  const Json answer = estimated(open);
  CHECK_FALSE(answer.contains("fit"));
  REQUIRE_FALSE(answer["advice"].empty());
  CHECK_FALSE(answer["advice"][0].contains("fits"));
}

TEST_CASE("Questions are asked by default where there is hardware and more than a summary is wanted") {
  const Json questions = {"fit", "advice"};
  Json request = inference("2 GiB");
  CHECK(estimated(request)["scenario"]["questions"] == questions);
  request["detail"] = "summary";
  CHECK(estimated(request)["scenario"]["questions"].empty());
  request["questions"] = {"fit"};
  CHECK(estimated(request).contains("fit"));
  CHECK(issues_of(with({{"questions", {"fit", "price"}}}, request)) == std::map<std::string, std::string>{{"questions", "unknown-word"}});
  CHECK(issues_of(with({{"questions", 3}}, request)) == std::map<std::string, std::string>{{"questions", "unknown-word"}});
}

TEST_CASE("Of an engine with a pool, what fits is what the pool holds at once") {
  Json request = inference("24 GiB");
  request["engine"] = {{"name", "vllm"}, {"options", {{"max_num_batched_tokens", 1024}}}};
  const Json answer = estimated(request);
  CHECK(answer["fit"]["maxSequences"] == std::floor(answer["kvCache"]["concurrency"].get<double>()));
  CHECK(answer["fit"]["limitedBy"] == "kv-cache");
}
