// Adapters beside LoRA, against peft's own layers: peft 0.21.2, torch 2.15, transformers 5.24 under fake tensors.
// Two sequences of 512 tokens; base in bf16, adapters in fp32.

#include "estimate/run.hpp"
#include "support/models.hpp"
#include "support/scenarios.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

const Json every_linear = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};

Json request(const Json& training, int layers = 11) {
  Json asked = {{"model", {{"config", {{"model_type", "llama"}, {"hidden_size", 1024}, {"intermediate_size", 2816}, {"num_hidden_layers", layers}, {"num_attention_heads", 16},
                                       {"num_key_value_heads", 4}, {"vocab_size", 2000}, {"max_position_embeddings", 4096}, {"tie_word_embeddings", false}}}}},
                {"task", "training"}, {"training", training}};
  asked["training"]["microBatch"] = 2;
  asked["training"]["sequenceTokens"] = 512;
  return asked;
}

Json adapted(const char* kind, const Json& targets) { return {{"method", "lora"}, {"lora", {{"kind", kind}, {"targets", targets}}}}; }

double peak(Json training) {
  const Json answer = estimated(request(training));
  REQUIRE(answer["ok"] == true);
  return answer["devices"][0]["allocatedBytes"];
}

double with(const char* kind, const char* field, const char* value) {
  Json training = adapted(kind, every_linear);
  training[field] = value;
  return peak(training);
}

double trainable(const char* kind) { return estimated(request(adapted(kind, {"q_proj", "v_proj"})))["parameters"]["trainable"]; }

}  // namespace

TEST_CASE("VeRA trains a factor for each rank and output; all layers share two matrices", "[adapters]") {
  CHECK(trainable("vera") == 11 * (256 + 1024 + 256 + 256));
  CHECK(peak(adapted("vera", {"q_proj", "v_proj"})) == Approx(705134592).epsilon(1e-5));
  CHECK(with("vera", "checkpointing", "full") == Approx(397448192).epsilon(5e-3));
  CHECK(with("vera", "precision", "bf16-amp") == Approx(985524224).epsilon(2e-3));
}

TEST_CASE("LoHa makes a change as large as the weight of four factors, and keeps it in fp32", "[adapters]") {
  CHECK(trainable("loha") == 11 * 2 * 8 * (1024 + 1024 + 1024 + 256));
  CHECK(peak(adapted("loha", {"q_proj", "v_proj"})) == Approx(773815296).epsilon(1e-5));
  CHECK(with("loha", "checkpointing", "full") == Approx(475479040).epsilon(2e-5));
  CHECK(with("loha", "precision", "bf16-amp") == Approx(1028817920).epsilon(1e-5));
}

TEST_CASE("LoKr makes it as a Kronecker product of two small matrices", "[adapters]") {
  // 1024 = 32 · 32, 256 = 16 · 16; the second matrix has rank 8
  CHECK(trainable("lokr") == 11 * (32 * 32 + 8 * (32 + 32) + 16 * 32 + 8 * (16 + 32)));
  CHECK(peak(adapted("lokr", {"q_proj", "v_proj"})) == Approx(767163904).epsilon(1e-5));
  CHECK(with("lokr", "checkpointing", "full") == Approx(425362432).epsilon(2e-5));
  CHECK(with("lokr", "precision", "bf16-amp") == Approx(1083299328).epsilon(2e-3));
}

TEST_CASE("OFT turns a linear's input in blocks of 32", "[adapters]") {
  CHECK(trainable("oft") == 11 * 2 * 32 * (32 * 31 / 2));
  CHECK(peak(adapted("oft", {"q_proj", "v_proj"})) == Approx(729966592).epsilon(1e-5));
  CHECK(with("oft", "checkpointing", "full") == Approx(405874688).epsilon(2e-5));
  CHECK(with("oft", "precision", "bf16-amp") == Approx(907197440).epsilon(1e-5));
}

TEST_CASE("a block that does not divide the width gives way to the nearest one that does", "[adapters]") {
  Json training = adapted("oft", {"q_proj"});
  training["lora"]["blockSize"] = 30;   // 1024: 32 is as near as any
  const Json answer = estimated(request(training));
  CHECK(answer["parameters"]["trainable"] == 11 * 32 * (32 * 31 / 2));
}

TEST_CASE("prompt tuning trains rows in front of every sequence", "[adapters]") {
  const Json answer = estimated(request({{"method", "prompt"}}));
  REQUIRE(answer["ok"] == true);
  CHECK(answer["parameters"]["trainable"] == 20 * 1024);
  CHECK(answer["devices"][0]["allocatedBytes"] == 641154560);
  CHECK(peak({{"method", "prompt"}, {"virtualTokens", 100}}) > 641154560);
}

TEST_CASE("what is not computed of adapters is refused", "[adapters]") {
  CHECK(issues_of(request({{"method", "prefix"}}))["training.method"] == "unsupported");
  Json dropped = adapted("loha", {"q_proj"});
  dropped["lora"]["dropout"] = 0.1;
  CHECK(issues_of(request(dropped))["training.lora.dropout"] == "unsupported");
  Json four_bits = adapted("vera", {"q_proj"});
  four_bits["method"] = "qlora";
  CHECK(issues_of(request(four_bits))["training.lora.kind"] == "contradiction");
  Json sharded = request(adapted("loha", {"q_proj"}));
  sharded["engine"] = {{"name", "fsdp"}};
  CHECK(issues_of(sharded)["training.lora.kind"] == "unsupported");
  CHECK(issues_of(request({{"method", "prompt"}, {"rl", {{"algorithm", "dpo"}}}}))["training.method"] == "unsupported");
}

TEST_CASE("an average of the weights is a copy of all of them", "[adapters]") {
  const Json answer = estimated(request({{"method", "full"}}));
  CHECK(peak({{"method", "full"}, {"averagedWeights", true}}) - answer["devices"][0]["allocatedBytes"].get<double>() == Approx(2 * answer["parameters"]["total"].get<double>()).epsilon(1e-4));
}

TEST_CASE("layers that are not run one by one are as if they were, whatever adapts them", "[adapters]") {
  for (const char* kind : {"vera", "loha", "lokr", "oft"})
    for (const char* checkpointing : {"none", "full"}) {
      Json training = adapted(kind, every_linear);
      training["checkpointing"] = checkpointing;
      const Document document = read(request(training, 40)), facts = read(Json::object());
      std::vector<Issue> issues;
      const Scenario scenario = read_scenario(document, facts, issues);
      REQUIRE(issues.empty());
      INFO(kind);
      CHECK(in(bytes, run_scenario(scenario).peak.highest) == in(bytes, run_scenario(scenario, true).peak.highest));
    }
}
