// Ranks that all hold everything: small models whose phases PyTorch's DistributedDataParallel was asked for, on tensors
// without contents and on real ones of the processor, in the third step (Source: [torch-fake-tensor-measurement]).

#include "support/bench.hpp"
#include "support/scenarios.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

/// 4,310,784 parameters.
const Json model = {{"model_type", "llama"}, {"hidden_size", 256}, {"num_hidden_layers", 3}, {"num_attention_heads", 4},
                    {"num_key_value_heads", 2}, {"intermediate_size", 704}, {"vocab_size", 4096}, {"tie_word_embeddings", false}, {"head_dim", 64}};

Json training(const Json& options = Json::object(), int accumulation = 1, const char* precision = "bf16") {
  return {{"model", {{"config", model}}}, {"task", "training"}, {"engine", {{"name", "torch"}, {"options", options}}},
          {"training", {{"precision", precision}, {"microBatch", 1}, {"sequenceTokens", 64}, {"attention", "eager"}, {"gradientAccumulation", accumulation}}},
          {"parallel", {{"data", 4}}}};
}

double part(const Json& answer, const char* id) {
  for (const Json& c : answer["devices"][0]["components"])
    if (c["id"] == id) return c["bytes"];
  return 0;
}

}  // namespace

TEST_CASE("Phases under DistributedDataParallel are those that PyTorch was measured to have") {
  check_phases(training(), {37734912, 39834112, 43159040, 43125248});
  check_phases(training({{"gradient_as_bucket_view", true}}), {37734912, 39834112, 40357376, 34503680});
  check_phases(training({}, 1, "fp32"), {74596864, 75647488, 86299648, 86233088});
}

TEST_CASE("Gradients of earlier micro-batches lie beside the buckets, unless they were summed into them") {
  check_phases(training({}, 2), {46356480, 48455680, 48978944, 43125248});
  check_phases(training({{"gradient_as_bucket_view", true}}, 2), {46356480, 48455680, 48978944, 34503680});
  check_phases(training({{"gradient_as_bucket_view", true}, {"sync_each_batch", true}}, 2), {37734912, 39834112, 40357376, 34503680});
}

TEST_CASE("Buckets hold one number for each that is trained") {
  Json alone = training();
  alone.erase("parallel");
  const Json one = estimated(alone), several = estimated(training());
  CHECK(part(several, "workspace") - part(one, "workspace") == 4310784 * 2);
  CHECK(several["devices"][0]["count"] == 4);
  Json found = training({{"find_unused_parameters", true}});
  CHECK(part(estimated(found), "workspace") - part(several, "workspace") == 30 * 4);   // 30 parameters
}

TEST_CASE("Adapters alone are summed") {
  Json request = training();
  request["training"]["method"] = "lora";
  request["training"]["lora"] = {{"rank", 8}, {"format", "bf16"}};
  const Json several = estimated(request);
  request.erase("parallel");
  const double trained = several["parameters"]["trainable"];
  CHECK(trained > 0);
  CHECK(part(several, "workspace") - part(estimated(request), "workspace") == trained * 2);
}

TEST_CASE("Layers that are not run have their numbers in the buckets") {
  Json request = training({{"gradient_as_bucket_view", true}});
  request["model"]["config"]["num_hidden_layers"] = 24;
  const Json answer = estimated(request);
  CHECK(part(answer, "gradients") == answer["parameters"]["trainable"].get<double>() * 2);
}

TEST_CASE("A training under DistributedDataParallel is completed to one that says the same") {
  const Json first = estimated(training({{"gradient_as_bucket_view", true}, {"bucket_cap_mb", 100}}));
  CHECK(first["scenario"]["parallel"]["data"] == 4);
  CHECK(estimated(first["scenario"])["devices"] == first["devices"]);
}

TEST_CASE("What DistributedDataParallel is not computed with is an issue") {
  Json request = training();
  request["training"]["optimizerInBackward"] = true;
  CHECK(issues_of(request)["training.optimizerInBackward"] == "unsupported");
  request = training();
  request["parallel"]["zero"] = 1;
  CHECK(issues_of(request)["parallel.zero"] == "unsupported");
  request = training();
  request["model"] = {{"parameters", 7e9}};
  CHECK(issues_of(request)["model"] == "unsupported");
}

TEST_CASE("Encoders have buckets too") {
  Json request = training();
  request["model"]["config"] = {{"model_type", "bert"}, {"architectures", {"BertForMaskedLM"}}};
  const Json several = estimated(request);
  request.erase("parallel");
  CHECK(part(several, "workspace") - part(estimated(request), "workspace") == several["parameters"]["trainable"].get<double>() * 2);
}

TEST_CASE("Advice for ranks that copy their gradients is not to") {
  Json request = training();
  request["model"]["config"]["num_hidden_layers"] = 24;
  request["hardware"] = {{"memory", "1 GiB"}, {"count", 4}};
  request["questions"] = {"advice"};
  bool found = false;
  const Json answer = estimated(request);
  for (const Json& change : answer["advice"]) found = found || change["id"] == "gradients-in-buckets";
  CHECK(found);
}
