// LitGPT's own models: peaks of a step of LoRA that its code at 6178c7c was measured to have under fake tensors (torch 2.15),
// without the optimizer's states.

#include "support/models.hpp"
#include "support/scenarios.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

constexpr double within = 0.0003;

Json llama_7b() {
  return {{"model_type", "llama"},     {"hidden_size", 4096}, {"intermediate_size", 11008}, {"num_hidden_layers", 32},
          {"num_attention_heads", 32}, {"vocab_size", 32000}, {"tie_word_embeddings", false}, {"max_position_embeddings", 4096}};
}

Json stablelm_alpha() {
  return {{"model_type", "gpt_neox"}, {"hidden_size", 4096},    {"intermediate_size", 16384},   {"num_hidden_layers", 16},        {"num_attention_heads", 32},
          {"vocab_size", 50688},      {"rotary_pct", 0.25},     {"tie_word_embeddings", false}, {"max_position_embeddings", 4096}};
}

Json phi() {
  return {{"model_type", "phi"},       {"hidden_size", 2048}, {"intermediate_size", 8192},        {"num_hidden_layers", 24},
          {"num_attention_heads", 32}, {"vocab_size", 51200}, {"partial_rotary_factor", 0.5}, {"max_position_embeddings", 2048}};
}

Json request(const Json& config, double sequences, double tokens, const Json& targets, const Json& options = {{"engine", "litgpt"}}) {
  const Json lora = {{"rank", 8}, {"targets", targets}, {"dropout", 0.05}, {"format", "bf16"}};
  return {{"model", {{"config", config}}},
          {"task", "training"},
          {"weights", "bf16"},
          {"engine", {{"name", "torch"}, {"options", options}}},
          {"training", {{"method", "lora"}, {"lora", lora}, {"precision", "bf16"}, {"microBatch", sequences}, {"sequenceTokens", tokens}, {"crossEntropy", "chunked"}}}};
}

/// The peak without what the optimizer keeps.
double peak(const Json& of) {
  const Json answer = estimated(of);
  REQUIRE(answer["ok"] == true);
  const Json& device = answer["devices"][0];
  double states = 0;
  for (const Json& c : device["components"])
    if (c["id"] == "optimizer-states") states = c["bytes"];
  return double(device["allocatedBytes"]) - states;
}

}  // namespace

TEST_CASE("LoRA on queries and values of a joint projection, as LitGPT runs it", "[litgpt]") {
  CHECK(peak(request(phi(), 1, 1044, {"q_proj", "v_proj"})) == Approx(4793761280).epsilon(within));
  CHECK(peak(request(phi(), 4, 1044, {"q_proj", "v_proj"})) == Approx(10652647936).epsilon(within));
  CHECK(peak(request(llama_7b(), 1, 1304, {"q_proj", "v_proj"})) == Approx(21227720192).epsilon(within));
  CHECK(peak(request(llama_7b(), 2, 1304, {"q_proj", "v_proj"})) == Approx(28966716928).epsilon(within));
  CHECK(peak(request(stablelm_alpha(), 2, 1034, {"query_key_value"})) == Approx(12082145792).epsilon(within));
}

TEST_CASE("options say which parts of LitGPT's joint projection have adapters", "[litgpt]") {
  const Json all = {{"engine", "litgpt"}, {"lora_key", true}};
  const auto trainable = [&](const Json& options) { return double(estimated(request(llama_7b(), 1, 64, {"qkv_proj"}, options))["parameters"]["trainable"]); };
  CHECK(trainable({{"engine", "litgpt"}}) == 32 * 8 * (2 * 4096 + 2 * 4096));
  CHECK(trainable(all) == 32 * 8 * (3 * 4096 + 3 * 4096));
}

TEST_CASE("what LitGPT does not have is refused", "[litgpt]") {
  Json of = request(llama_7b(), 1, 64, {"q_proj"});
  of["training"]["lora"]["kind"] = "ia3";
  CHECK(issues_of(of)["training.method"] == "unsupported");
  of = request(llama_7b(), 1, 64, {"q_proj"});
  of["training"]["method"] = "dora";
  CHECK(issues_of(of)["training.method"] == "unsupported");
}

TEST_CASE("layers that LitGPT has no code for run as transformers has them, and the answer says so", "[litgpt]") {
  Json config = llama_7b();
  config["model_type"] = "qwen3";
  config["head_dim"] = 128;
  const Json answer = estimated(request(config, 1, 64, {"q_proj"}));
  REQUIRE(answer["ok"] == true);
  bool said = false;
  for (const Json& a : answer["assumptions"]) said = said || a["id"] == "not-in-litgpt";
  CHECK(said);
}

TEST_CASE("LitGPT packs the head too, and unpacks it by way of fp16", "[litgpt]") {
  const auto asked = [](const Json& engine) {
    return estimated({{"model", {{"config", llama_7b()}}}, {"task", "inference"}, {"weights", "nf4"}, {"engine", engine},
                      {"inference", {{"contextTokens", 64}, {"promptTokens", 24}, {"kvFormat", "bf16"}}}});
  };
  const auto part = [](const Json& answer, const char* id) {
    for (const Json& c : answer["devices"][0]["components"])
      if (c["id"] == id) return double(c["bytes"]);
    return 0.0;
  };
  const Json litgpt = asked({{"name", "torch"}, {"version", "litgpt"}}), transformers = asked({{"name", "transformers"}});
  REQUIRE(litgpt["ok"] == true);
  constexpr double head = 32000.0 * 4096, packed = 0.5 + 4.0 / 64, table = 64;
  const double fewer_tables = 2 * 32 - 1;   // one joint projection a layer for three, and the head
  CHECK(part(transformers, "weights") - part(litgpt, "weights") == head * (2 - packed) + fewer_tables * table);
  CHECK(part(litgpt, "workspace") == Approx(head * 2 * 2).epsilon(0.01));   // both copies, and little else at the peak
}
