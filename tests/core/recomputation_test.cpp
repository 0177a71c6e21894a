// What is computed again in backward, and what waits in the host's memory.

#include "estimate/run.hpp"
#include "support/models.hpp"
#include "support/scenarios.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

/// Measured on PyTorch's own code under fake tensors: torch 2.15, transformers 5.24; two sequences of 512 tokens.
Json measured_config() {
  return {{"model_type", "llama"},    {"hidden_size", 1024},       {"intermediate_size", 2816}, {"num_hidden_layers", 11},          {"num_attention_heads", 16},
          {"num_key_value_heads", 4}, {"vocab_size", 2000},        {"max_position_embeddings", 4096}, {"tie_word_embeddings", false}};
}

Json request(Json training) {
  training["microBatch"] = 2;
  training["sequenceTokens"] = 512;
  return {{"model", {{"config", measured_config()}}}, {"task", "training"}, {"training", training}};
}

double peak(const Json& training) {
  const Json answer = estimated(request(training));
  REQUIRE(answer["ok"] == true);
  return answer["devices"][0]["allocatedBytes"];
}

double on_host(const Json& training) {
  const Json answer = estimated(request(training));
  REQUIRE(answer["devices"].size() == 2);
  CHECK(answer["devices"][1]["role"] == "host");
  return answer["devices"][1]["allocatedBytes"];
}



}  // namespace

TEST_CASE("checkpoints of several layers hold one input and as many layers at once", "[recomputation]") {
  CHECK(peak({{"checkpointing", {{"every", 1}}}}) == peak({{"checkpointing", "full"}}));
  CHECK(peak({{"checkpointing", {{"every", 2}}}}) == Approx(1087745024).epsilon(1e-5));
  CHECK(peak({{"checkpointing", {{"every", 3}}}}) == Approx(1110360064).epsilon(1e-5));
}

TEST_CASE("single modules are computed again", "[recomputation]") {
  CHECK(peak({{"checkpointing", {{"modules", {"mlp"}}}}}) == Approx(1063028736).epsilon(1e-5));
  CHECK(peak({{"checkpointing", {{"modules", {"self_attn"}}}}}) == Approx(1240251392).epsilon(1e-5));
  CHECK(peak({{"checkpointing", {{"modules", {"attention", "mlp"}}}}}) == Approx(1057723392).epsilon(1e-5));
}

TEST_CASE("selective checkpoints keep attention and every second product", "[recomputation]") {
  CHECK(peak({{"checkpointing", "selective"}, {"attention", "eager"}}) == Approx(1227549696).epsilon(1e-5));
  CHECK(peak({{"checkpointing", "selective"}}) == Approx(1065129984).epsilon(1e-5));
}

TEST_CASE("a layer's input waits in the host's memory: 2 bytes a number, 11 layers", "[recomputation]") {
  CHECK(peak({{"checkpointing", "offload"}}) == Approx(1063032832).epsilon(1e-5));
  CHECK(on_host({{"checkpointing", "offload"}}) == 11 * 2 * 1024.0 * 1024);
}

TEST_CASE("whatever is saved waits in the host's memory, weights included", "[recomputation]") {
  CHECK(peak({{"offload", {{"activations", true}}}}) == Approx(1048146944).epsilon(1e-5));
  CHECK(on_host({{"offload", {{"activations", true}}}}) == 965433612.0);
}

TEST_CASE("an optimizer on the processor takes copies, gradients and states with it", "[recomputation]") {
  const Json here = estimated(request({{"checkpointing", "full"}})), there = estimated(request({{"checkpointing", "full"}, {"offload", {{"optimizer", true}}}}));
  const auto part = [](const Json& device, const char* id) {
    for (const Json& c : device["components"])
      if (c["id"] == id) return c["bytes"].get<double>();
    return -1.0;
  };
  const double weights = part(here["devices"][0], "weights"), small = 23 * 2.0 * 1024;   // norms stay
  REQUIRE(there["devices"].size() == 2);
  CHECK(part(there["devices"][1], "weights") == weights - small);
  CHECK(part(there["devices"][1], "gradients") == weights - small);
  CHECK(part(there["devices"][1], "optimizer-states") == 2 * (weights - small));
  CHECK(part(there["devices"][0], "optimizer-states") == 2 * small + 23 * 4);
  CHECK(here["devices"][0]["allocatedBytes"].get<double>() - there["devices"][0]["allocatedBytes"].get<double>() > 1.9 * weights);
}

TEST_CASE("gradients leave the GPU as they come, and cannot be accumulated then", "[recomputation]") {
  Json asked = request({{"checkpointing", "full"}, {"offload", {{"optimizer", true}}}});
  const double kept = estimated(asked)["devices"][0]["allocatedBytes"];
  asked["engine"] = {{"options", {{"offload_gradients", true}}}};
  const double left = estimated(asked)["devices"][0]["allocatedBytes"];
  CHECK(kept - left > 0.5 * 2 * estimated(asked)["parameters"]["total"].get<double>());
  asked["training"]["gradientAccumulation"] = 2;
  CHECK(issues_of(asked)["training.offload.optimizer"] == "contradiction");
}

TEST_CASE("what is not computed is refused", "[recomputation]") {
  CHECK(issues_of(request({{"checkpointing", {{"modules", {"lm_head"}}}}})).count("training.checkpointing.modules") == 1);
  CHECK(issues_of(request({{"checkpointing", {{"every", 0}}}})).count("training.checkpointing.every") == 1);
  CHECK(issues_of(request({{"offload", {{"parameters", true}}}}))["training.offload.parameters"] == "unsupported");
  CHECK(issues_of(request({{"gradientFormat", "fp32"}}))["training.gradientFormat"] == "unsupported");
  CHECK(issues_of(request({{"gradientFormat", "bf16"}})).empty());
}

TEST_CASE("states in another format", "[recomputation]") {
  const Json answer = estimated(request({{"optimizerFormat", "fp32"}, {"checkpointing", "full"}}));
  const Json own = estimated(request({{"checkpointing", "full"}}));
  CHECK(answer["scenario"]["training"]["optimizerFormat"] == "fp32");
  const double more = answer["devices"][0]["allocatedBytes"].get<double>() - own["devices"][0]["allocatedBytes"].get<double>();
  CHECK(more == Approx(2 * 2 * own["parameters"]["total"].get<double>()).epsilon(1e-3));
}

TEST_CASE("layers that are not run one by one are as if they were", "[recomputation]") {
  for (const Json& how : {Json{{"checkpointing", {{"every", 2}}}}, Json{{"checkpointing", {{"every", 3}}}}, Json{{"checkpointing", {{"modules", {"mlp"}}}}}, Json{{"checkpointing", "selective"}},
                          Json{{"checkpointing", "offload"}}, Json{{"offload", {{"activations", true}, {"optimizer", true}}}}}) {
    Json asked = request(how);
    asked["model"]["config"]["num_hidden_layers"] = 40;
    std::vector<Issue> issues;
    const Document document = read(asked), facts = read(Json::object());
    const Scenario scenario = read_scenario(document, facts, issues);
    REQUIRE(issues.empty());
    const Run some = run_scenario(scenario), all = run_scenario(scenario, true);
    INFO(how.dump());
    CHECK(in(bytes, some.peak.highest) == in(bytes, all.peak.highest));
    CHECK(in(bytes, some.host.sum()) == in(bytes, all.host.sum()));
  }
}

TEST_CASE("selective checkpoints are refused where PyTorch refuses them", "[recomputation]") {
  Json asked = request({{"checkpointing", "selective"}});
  asked["model"]["config"] = {{"model_type", "mixtral"}, {"hidden_size", 512}, {"intermediate_size", 1024}, {"num_hidden_layers", 6}, {"num_attention_heads", 8},
                              {"num_key_value_heads", 2}, {"vocab_size", 1500}, {"num_local_experts", 8}, {"num_experts_per_tok", 2}, {"max_position_embeddings", 4096}};
  CHECK(issues_of(asked)["training.checkpointing"] == "contradiction");
}

/// Two sequences of 512 tokens, hidden size 1024; the peak is in the second run's MLP.
double adapted_peak(const char* method, const char* weights, Json options) {
  Json training = {{"method", method}, {"precision", "bf16-amp"}, {"checkpointing", "full"}, {"attention", "flash"},
                   {"lora", {{"rank", 8}, {"targets", {"q_proj", "k_proj", "v_proj", "o_proj"}}, {"dropout", 0.1}}}};
  Json asked = request(std::move(training));
  asked["weights"] = weights;
  asked["engine"] = {{"name", "torch"}, {"options", std::move(options)}};
  const Json answer = estimated(asked);
  REQUIRE(answer["ok"] == true);
  return answer["devices"][0]["allocatedBytes"];
}

constexpr double hidden_numbers = 2.0 * 512 * 1024;

TEST_CASE("A reentrant checkpoint holds what its second run gave") {
  const double one = adapted_peak("lora", "bf16", {{"activation_checkpoint_reentrant", true}});
  CHECK(one - adapted_peak("lora", "bf16", {{"activation_checkpoint_reentrant", false}}) == 2 * hidden_numbers);
  CHECK(one == adapted_peak("lora", "bf16", {{"transformers_version", "4.50"}}));
}

TEST_CASE("Base and adapter in one function keep its input once and no masks") {
  const double apart = adapted_peak("qlora", "nf4", Json::object());
  CHECK(adapted_peak("qlora", "nf4", {{"fused_lora", true}}) - apart == 2 * hidden_numbers - 4 * hidden_numbers);
}

TEST_CASE("Mistral's class repeated keys and values for FlashAttention until 4.48") {
  const auto peak_of = [](const char* type, const char* version) {
    Json asked = request({{"checkpointing", "full"}, {"attention", "flash"}});
    asked["model"]["config"]["model_type"] = type;
    asked["engine"] = {{"name", "torch"}, {"options", {{"transformers_version", version}, {"activation_checkpoint_reentrant", false}}}};
    return estimated(asked)["devices"][0]["allocatedBytes"].get<double>();
  };
  // 16 heads in place of 4, twice, in bf16; nothing else differs between these versions.
  CHECK(peak_of("mistral", "4.47") - peak_of("mistral", "4.48") == 2 * 2 * (hidden_numbers - hidden_numbers / 4));
  CHECK(peak_of("llama", "4.47") == peak_of("llama", "4.48"));
}
