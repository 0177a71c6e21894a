// Training by preferences and rewards, against TRL's own code: trl 1.16, torch 2.15, transformers 5.24 under fake tensors.
// Batches of 3, sequences of 1024 tokens of which 400 are scored.

#include "estimate/run.hpp"
#include "support/models.hpp"
#include "support/scenarios.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

Json measured_config() {
  return {{"model_type", "llama"},    {"hidden_size", 1024},       {"intermediate_size", 2816}, {"num_hidden_layers", 11},          {"num_attention_heads", 16},
          {"num_key_value_heads", 4}, {"vocab_size", 50000},       {"max_position_embeddings", 4096}, {"tie_word_embeddings", false}};
}

Json request(const Json& rl, Json training = Json::object()) {
  training["microBatch"] = 3;
  training["sequenceTokens"] = 1024;
  training["rl"] = rl;
  return {{"model", {{"config", measured_config()}}}, {"task", "training"}, {"training", training}};
}

double peak(const Json& rl, const Json& training = Json::object()) {
  const Json answer = estimated(request(rl, training));
  REQUIRE(answer["ok"] == true);
  return answer["devices"][0]["allocatedBytes"];
}

Json scored(const char* algorithm, bool reference) { return {{"algorithm", algorithm}, {"completionTokens", 400}, {"reference", reference}}; }

const Json lora = {{"method", "lora"}, {"lora", {{"rank", 8}, {"targets", {"q_proj", "v_proj"}}}}};

}  // namespace

TEST_CASE("DPO runs both answers at once, and the reference model on top of what is kept", "[rl]") {
  CHECK(peak(scored("dpo", false)) == Approx(4861632000).epsilon(5e-4));
  CHECK(peak(scored("dpo", true)) == Approx(5314468352).epsilon(5e-4));
  CHECK(peak(scored("dpo", true), {{"checkpointing", "full"}}) == Approx(2510767104).epsilon(5e-4));
  Json before = scored("dpo", false);
  before["reference"] = "precomputed";
  CHECK(peak(before) == peak(scored("dpo", false)));
}

TEST_CASE("under autocast tiles of rows and weights are lowered, and the last tile's are held with the next one's", "[rl]") {
  Json asked = request(scored("dpo", true), {{"precision", "bf16-amp"}});
  CHECK(estimated(asked)["devices"][0]["allocatedBytes"] == Approx(8083618304).epsilon(5e-4));
}

TEST_CASE("under adapters the reference is the model without them", "[rl]") {
  CHECK(peak(scored("dpo", true), lora) == Approx(3241128448).epsilon(5e-4));
  const Json answer = estimated(request(scored("dpo", true), lora));
  CHECK(highest(answer, "reference") == answer["devices"][0]["allocatedBytes"]);
}

TEST_CASE("GRPO scores its answers before it is trained on them", "[rl]") {
  CHECK(peak(scored("grpo", false)) == Approx(3263845888).epsilon(5e-4));
  CHECK(peak(scored("grpo", true)) == Approx(3716694528).epsilon(5e-4));
  const Json answer = estimated(request(scored("grpo", true)));
  CHECK(highest(answer, "scoring") == Approx(1898906112).epsilon(5e-4));
  CHECK(highest(answer, "reference") == Approx(1898908160).epsilon(5e-4));
}

TEST_CASE("vLLM beside the model takes its share of the card, and gives it back while it sleeps", "[rl]") {
  Json rl = scored("grpo", false);
  const double alone = peak(rl);
  rl["rollout"] = "colocated-vllm";
  CHECK(issues_of(request(rl))["hardware"] == "missing");
  Json awake = request(rl);
  awake["hardware"] = {{"memory", "10 GiB"}};
  const double more = estimated(awake)["devices"][0]["allocatedBytes"].get<double>() - alone;
  CHECK(more > 0.25 * 10 * 1073741824.0);
  CHECK(more <= 0.3 * 10 * 1073741824.0);
  awake["training"]["rl"]["sleep"] = true;
  CHECK(estimated(awake)["devices"][0]["allocatedBytes"].get<double>() < alone + more);
}

TEST_CASE("a reward model has one number a token for a head", "[rl]") {
  const Json answer = estimated(request({{"algorithm", "reward"}}));
  REQUIRE(answer["ok"] == true);
  CHECK(answer["devices"][0]["allocatedBytes"] == Approx(4183461888).epsilon(1e-5));
  CHECK(peak({{"algorithm", "reward"}}, {{"checkpointing", "full"}}) == Approx(1648338944).epsilon(1e-5));
  CHECK(peak({{"algorithm", "reward"}}, lora) == Approx(3084578304).epsilon(1e-5));
  const Json decoder = estimated(request(scored("dpo", false)));
  CHECK(decoder["parameters"]["total"].get<double>() - answer["parameters"]["total"].get<double>() == (50000 - 1) * 1024.0);
}

TEST_CASE("KTO scores one answer a time, with the reference model on top of what is kept", "[rl]") {
  Json six = request(scored("kto", true));
  six["training"]["microBatch"] = 6;   // as many sequences as three pairs
  const double kto = estimated(six)["devices"][0]["allocatedBytes"];
  CHECK(kto == Approx(peak(scored("dpo", true))).epsilon(1e-5));
  CHECK(highest(estimated(six), "scoring") > 0);
}

TEST_CASE("ORPO, CPO and SimPO look at whole logits, and have no reference", "[rl]") {
  CHECK(peak({{"algorithm", "simpo"}}) == Approx(5618336256).epsilon(1e-5));
  CHECK(peak({{"algorithm", "cpo"}}) == Approx(5926012928).epsilon(1e-5));
  CHECK(peak({{"algorithm", "orpo"}}) == Approx(5926062080).epsilon(2e-5));
  CHECK(peak({{"algorithm", "simpo"}}, {{"checkpointing", "full"}}) == Approx(2776020480).epsilon(1e-5));
  CHECK(peak({{"algorithm", "orpo"}}, {{"checkpointing", "full"}}) == Approx(3083746304).epsilon(2e-5));
  CHECK(peak({{"algorithm", "simpo"}}, {{"precision", "bf16-amp"}}) == Approx(9260335616).epsilon(1e-5));
  CHECK(peak({{"algorithm", "orpo"}}, {{"precision", "bf16-amp"}}) == Approx(9875861504).epsilon(2e-5));
  CHECK(peak({{"algorithm", "simpo"}}, lora) == Approx(4289486336).epsilon(1e-4));
  CHECK(issues_of(request(scored("orpo", true)))["training.rl.reference"] == "contradiction");
}

TEST_CASE("a decoder that classifies is trained with a head for its classes", "[rl]") {
  Json asked = request(Json::object());
  asked["training"].erase("rl");
  asked["training"]["microBatch"] = 6;
  asked["model"]["config"]["architectures"] = {"LlamaForSequenceClassification"};
  asked["model"]["config"]["num_labels"] = 1;
  const Json answer = estimated(asked);
  REQUIRE(answer["ok"] == true);   // a reward model is one, with pairs
  CHECK(answer["devices"][0]["allocatedBytes"] == Approx(4183461888).epsilon(1e-5));
  asked["model"]["config"].erase("num_labels");
  CHECK(estimated(asked)["parameters"]["total"].get<double>() - answer["parameters"]["total"].get<double>() == 1024);
  asked["training"]["kernels"] = "liger";
  CHECK(issues_of(asked).count("training") == 1);
}

TEST_CASE("scoring with the reference beforehand is advised where it saves", "[rl]") {
  Json asked = request(scored("dpo", true), {{"checkpointing", "full"}});
  asked["hardware"] = {{"memory", "2 GiB"}};
  asked["questions"] = {"advice"};
  const Json answer = estimated(asked);
  REQUIRE(answer["ok"] == true);
  bool advised = false;
  for (const Json& change : answer["advice"]) advised = advised || change["id"].get<std::string>().find("reference-precomputed") != std::string::npos;
  CHECK(advised);
}

TEST_CASE("what TRL does not do is refused", "[rl]") {
  CHECK(issues_of(request({{"algorithm", "ppo"}}))["training.rl.algorithm"] == "unsupported");
  CHECK(issues_of(request({{"algorithm", "grpo"}, {"rollout", "transformers"}}))["training.rl.rollout"] == "unsupported");
  CHECK(issues_of(request({{"algorithm", "reward"}, {"reference", true}}))["training.rl.reference"] == "contradiction");
  CHECK(issues_of(request(scored("dpo", false), {{"crossEntropy", "chunked"}}))["training.rl"] == "contradiction");
  Json one = request(scored("dpo", false));
  one["training"]["sequenceTokens"] = 1;
  CHECK(issues_of(one)["training.sequenceTokens"] == "out-of-range");
}

TEST_CASE("layers that are not run one by one are as if they were, also when they are scored", "[rl]") {
  for (const Json& how : {request(scored("dpo", true)), request(scored("dpo", true), lora), request(scored("grpo", true), {{"precision", "bf16-amp"}}),
                          request(scored("kto", true), {{"checkpointing", "full"}}), request(scored("orpo", false))}) {
    Json asked = how;
    asked["model"]["config"]["num_hidden_layers"] = 40;
    std::vector<Issue> issues;
    const Document document = read(asked), facts = read(Json::object());
    const Scenario scenario = read_scenario(document, facts, issues);
    REQUIRE(issues.empty());
    INFO(asked["training"].dump());
    CHECK(in(bytes, run_scenario(scenario).peak.highest) == in(bytes, run_scenario(scenario, true).peak.highest));
  }
}
