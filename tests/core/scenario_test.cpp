// Requests: every field checked, all issues at once, defaults echoed; and answers that agree with themselves.

#include "support/scenarios.hpp"

using namespace gpumem::test;

namespace {

using Codes = std::map<std::string, std::string>;

const Json device = {{"memory", "24 GiB"}, {"reported", "24564 MiB"}, {"computeCapability", 8.9}};

Json with(const char* part, const Json& fields) { return {{"model", {{"config", small_config()}}}, {part, fields}}; }

Json training(const Json& fields) {
  Json request = with("training", fields);
  request["task"] = "training";
  return request;
}

}  // namespace

TEST_CASE("all issues of a request are reported at once, with path and code", "[scenario]") {
  const Json request = {{"model", {{"config", {{"model_type", "llama"}, {"hidden_size", "wide"}, {"num_hidden_layers", -3}}}}},
                        {"inference", {{"sequences", 0}, {"contextTokens", 1e300}, {"promptTokens", NAN}, {"colour", 1}}},
                        {"hardware", {{"memory", "24 gigs"}, {"count", 1.5}}},
                        {"detail", "everything"},
                        {"nonsense", true}};
  CHECK(issues_of(request) == Codes{{"model.config.hidden_size", "wrong-type"},
                                    {"model.config.num_hidden_layers", "out-of-range"},
                                    {"inference.sequences", "out-of-range"},
                                    {"inference.contextTokens", "out-of-range"},
                                    {"inference.promptTokens", "not-finite"},
                                    {"inference.colour", "unknown-field"},
                                    {"hardware.memory", "not-a-size"},
                                    {"hardware.count", "not-whole"},
                                    {"detail", "unknown-word"},
                                    {"nonsense", "unknown-field"}});
}

TEST_CASE("a model is named in exactly one way", "[scenario]") {
  CHECK(issues_of(Json::object()) == Codes{{"model", "missing"}});
  CHECK(issues_of({{"model", Json::object()}}) == Codes{{"model", "missing"}});
  CHECK(issues_of({{"model", {{"parameters", 1e9}, {"config", small_config()}}}}) == Codes{{"model", "ambiguous"}});
  CHECK(issues_of({{"model", {{"id", "nobody/nothing"}}}}) == Codes{{"model.id", "unknown-model"}});
  CHECK(issues_of({{"model", {{"id", "some/model"}}}}, {{"config", small_config()}}).empty());
  CHECK(issues_of({{"model", "some/model"}}).contains("model"));
}

TEST_CASE("counts are whole numbers within reason", "[scenario]") {
  const auto code = [](const Json& value) { return issues_of(with("inference", {{"sequences", value}}))["inference.sequences"]; };
  CHECK(code(-1) == "out-of-range");
  CHECK(code(0) == "out-of-range");
  CHECK(code(1.5) == "not-whole");
  CHECK(code(1e300) == "out-of-range");
  CHECK(code(NAN) == "not-finite");
  CHECK(code(INFINITY) == "not-finite");
  CHECK(code(-INFINITY) == "not-finite");
  CHECK(code("2") == "wrong-type");
  CHECK(code(true) == "wrong-type");
  CHECK(code(Json::array({1})) == "wrong-type");
  CHECK(code(Json::object()) == "wrong-type");
  CHECK(code(1) == "");
  CHECK(code(nullptr) == "");   // as if it were not there
}

TEST_CASE("a bare count of parameters is a whole number of them", "[scenario]") {
  const auto code = [](const Json& value) { return issues_of({{"model", {{"parameters", value}}}})["model.parameters"]; };
  CHECK(code(0) == "out-of-range");
  CHECK(code(-7e9) == "out-of-range");
  CHECK(code(0.5) == "not-whole");
  CHECK(code("7B") == "wrong-type");
  CHECK(code(7e9) == "");
}

TEST_CASE("parts of a request that are no records are issues", "[scenario]") {
  for (const char* part : {"inference", "engine", "parallel", "hardware", "quick"}) {
    CAPTURE(part);
    CHECK(issues_of(with(part, 3)).contains(part));
    CHECK(issues_of(with(part, "text")).contains(part));
  }
  CHECK_FALSE(estimated(Json("text"))["ok"].get<bool>());
  CHECK_FALSE(estimated(Json::array())["ok"].get<bool>());
  CHECK_FALSE(estimated(nullptr)["ok"].get<bool>());
}

TEST_CASE("words are those of the contract", "[scenario]") {
  CHECK(issues_of({{"model", {{"config", small_config()}}}, {"task", "dreaming"}})["task"] == "unknown-word");
  CHECK(issues_of({{"model", {{"config", small_config()}}}, {"weights", "bf17"}})["weights"] == "unknown-word");
  CHECK(issues_of(with("inference", {{"attention", "slow"}}))["inference.attention"] == "unknown-word");
  CHECK(issues_of(training({{"optimizerStep", "sideways"}}))["training.optimizerStep"] == "unknown-word");
  CHECK(issues_of(training({{"precision", "fp64"}}))["training.precision"] == "unknown-word");
}

TEST_CASE("what is not computed yet is said, not ignored", "[scenario]") {
  CHECK(issues_of(training({{"method", "prefix"}}))["training.method"] == "unsupported");
  CHECK(issues_of(training({{"precision", "megatron-bf16"}}))["training.precision"] == "unsupported");
  CHECK(issues_of(training({{"checkpointing", {{"modules", {"norm"}}}}}))["training.checkpointing.modules"] == "unsupported");
  CHECK(issues_of(training({{"kernels", "unsloth"}}))["training.kernels"] == "unsupported");
  CHECK(issues_of(training({{"optimizer", "no-such-optimizer"}}))["training.optimizer"] == "unsupported");
  CHECK(issues_of(with("inference", {{"kvFormat", "fp8"}}))["inference.kvFormat"] == "unsupported");
  CHECK(issues_of(with("parallel", {{"tensor", 2}}))["parallel.tensor"] == "unsupported");
  CHECK(issues_of(with("engine", {{"name", "diffusers"}}))["engine.name"] == "unsupported");
}

TEST_CASE("contradictions are issues", "[scenario]") {
  CHECK(issues_of(with("inference", {{"promptTokens", 100}, {"contextTokens", 50}}))["inference.promptTokens"] == "contradiction");
  Json request = with("inference", {{"attention", "flash"}});
  request["weights"] = "fp32";
  CHECK(issues_of(request)["inference.attention"] == "contradiction");
  CHECK(issues_of(training({{"precision", "fp32"}, {"attention", "flash"}}))["training.attention"] == "contradiction");
  CHECK(issues_of(training({{"optimizerInBackward", true}, {"gradientAccumulation", 2}}))["training.optimizerInBackward"] == "contradiction");
  request = training({{"precision", "fp32"}});
  request["weights"] = "bf16";
  CHECK(issues_of(request)["training.precision"] == "contradiction");
  CHECK(issues_of(with("hardware", {{"gpu", "some/card"}, {"memory", "24 GiB"}}), {{"device", device}})["hardware"] == "ambiguous");
  CHECK(issues_of(with("hardware", Json::object()))["hardware"] == "missing");
  CHECK(issues_of(with("hardware", {{"gpu", "some/card"}}))["hardware.gpu"] == "unknown-gpu");
}

TEST_CASE("more tokens than a model was made for are counted, and said", "[scenario]") {
  const auto request = [](double tokens) -> Json {
    return {{"model", {{"config", {{"model_type", "gpt2"}, {"n_layer", 1}}}}}, {"inference", {{"contextTokens", tokens}}}};
  };
  CHECK(issues_of(request(1024)).empty());
  CHECK(estimated(request(1025))["assumptions"][0]["id"] == "beyond-trained-length");
  Json beyond = with("inference", {{"contextTokens", 8193}, {"promptTokens", 16}});
  const Json answer = estimated(beyond);
  REQUIRE(answer["ok"] == true);
  CHECK(answer["assumptions"][0]["id"] == "beyond-trained-length");
}

TEST_CASE("memory may be bytes or text with a unit", "[scenario]") {
  const auto usable = [](const Json& memory) { return estimated(with("hardware", {{"memory", memory}}))["devices"][0]["usableBytes"]; };
  CHECK(usable("24 GiB") == 25769803776.0);
  CHECK(usable("80 GB") == 80e9);
  CHECK(usable(12345678) == 12345678.0);
  const auto code = [](const Json& memory) { return issues_of(with("hardware", {{"memory", memory}}))["hardware.memory"]; };
  for (const Json& wrong : {Json("24"), Json("24 GB!"), Json(-1), Json(1e300), Json(NAN), Json(true), Json::array()}) {
    CAPTURE(wrong.dump());
    CHECK(code(wrong) == "not-a-size");
  }
}

TEST_CASE("a card of the catalog holds back a little of what it reports", "[scenario]") {
  const Json answer = estimated(with("hardware", {{"gpu", "some/card"}}), {{"device", device}});
  REQUIRE(answer["ok"] == true);
  CHECK(answer["devices"][0]["usableBytes"] == 24564.0 * 1048576 - 0.5 * 1073741824);
}

TEST_CASE("every default that was used is echoed", "[scenario]") {
  const Json config = small_config();
  CHECK(estimated({{"model", {{"config", config}}}})["scenario"] ==
        Json{{"model", {{"config", json_of(read(config))}}},
             {"task", "inference"},
             {"weights", "bf16"},
             {"engine", {{"name", "transformers"}, {"version", "5"}, {"options", {{"cache_implementation", "dynamic"}}}}},
             {"inference", {{"sequences", 1.0}, {"contextTokens", 4096.0}, {"promptTokens", 4096.0}, {"prefillTokens", 4096.0},
                            {"kvFormat", "bf16"}, {"attention", "flash"}}},
             {"detail", "timeline"},
             {"questions", Json::array()}});
  const Json trained = estimated({{"model", {{"config", config}}}, {"task", "training"}})["scenario"];
  CHECK(trained["training"] == Json{{"method", "full"}, {"precision", "bf16"}, {"optimizer", "adamw"}, {"optimizerStep", "fused"},
                                    {"microBatch", 1.0}, {"sequenceTokens", 2048.0}, {"gradientAccumulation", 1.0},
                                    {"attention", "flash"}, {"checkpointing", "none"}, {"crossEntropy", "full"},
                                    {"kernels", "torch"}, {"optimizerInBackward", false}});
  CHECK(trained["engine"]["name"] == "torch");
}

TEST_CASE("defaults follow from what is given", "[scenario]") {
  Json config = small_config();
  config["torch_dtype"] = "float16";
  CHECK(estimated({{"model", {{"config", config}}}})["scenario"]["weights"] == "fp16");
  config["max_position_embeddings"] = 1000;
  CHECK(estimated({{"model", {{"config", config}}}})["scenario"]["inference"]["contextTokens"] == 1000.0);
  CHECK(estimated(with("inference", {{"promptTokens", 6000}}))["scenario"]["inference"]["contextTokens"] == 6000.0);
  CHECK(estimated(training({{"precision", "bf16-amp"}}))["scenario"]["weights"] == "fp32");
  CHECK(estimated(training({{"method", "lora"}, {"precision", "fp32"}}))["scenario"]["weights"] == "fp32");
  CHECK(estimated(training({{"method", "lora"}, {"precision", "bf16-amp"}}))["scenario"]["weights"] == "bf16");
  const Json endless = {{"model_type", "mamba"}, {"hidden_size", 64}, {"intermediate_size", 128}, {"num_hidden_layers", 2}, {"state_size", 16}, {"vocab_size", 256}, {"time_step_rank", 4}, {"conv_kernel", 4}};
  CHECK(estimated({{"model", {{"config", endless}}}})["scenario"]["inference"]["contextTokens"] == 4096);
  CHECK(estimated(training({{"precision", "fp32"}}))["scenario"]["training"]["attention"] == "sdpa");
}

TEST_CASE("a completed scenario gives the identical estimate", "[scenario]") {
  const Json facts = {{"config", small_config()}, {"device", device}};
  Json fixed = with("engine", {{"options", {{"cache_implementation", "static"}}}});
  fixed["detail"] = "tensors";
  Json carded = with("hardware", {{"gpu", "some/card"}, {"count", 2}});
  carded["quick"] = {{"bytesPerSample", "50 MB"}};
  Json wide = with("inference", {{"sequences", 3}, {"contextTokens", 300}, {"promptTokens", 200}, {"prefillTokens", 64}});
  wide["weights"] = "fp32";
  const Json requests[] = {
      {{"model", {{"id", "some/model"}}}},
      {{"model", {{"parameters", 7e9}}}, {"weights", "int4"}, {"hardware", {{"memory", "24 GiB"}}}},
      {{"model", {{"parameters", 7e9}}}, {"task", "training"}, {"detail", "summary"}},
      fixed,
      carded,
      wide,
      training({{"microBatch", 2}, {"sequenceTokens", 64}, {"precision", "bf16-amp"}, {"checkpointing", "full"}}),
      training({{"optimizer", "sgd"}, {"optimizerInBackward", true}, {"attention", "eager"}, {"sequenceTokens", 64}}),
      training({{"gradientAccumulation", 4}, {"optimizerStep", "loop"}, {"precision", "fp32"}, {"sequenceTokens", 64}}),
  };
  for (const Json& request : requests) {
    CAPTURE(request.dump());
    const Json first = estimated(request, facts);
    REQUIRE(first["ok"] == true);
    const Json second = estimated(first["scenario"], facts);
    CHECK(second == first);
  }
}

TEST_CASE("engine options that nobody knows are named as ignored", "[scenario]") {
  const Json answer = estimated(with("engine", {{"options", {{"warp_factor", 9}}}}));
  REQUIRE(answer["ok"] == true);
  CHECK(answer["assumptions"][0]["id"] == "ignored-option");
}

TEST_CASE("components sum to what is allocated, and the peak is the timeline's highest point", "[scenario]") {
  const Json requests[] = {with("inference", {{"contextTokens", 300}, {"promptTokens", 100}, {"sequences", 2}}),
                           training({{"sequenceTokens", 100}}), training({{"sequenceTokens", 100}, {"checkpointing", "full"}})};
  for (Json request : requests) {
    request["detail"] = "tensors";
    request["hardware"] = {{"memory", "1 GiB"}};
    CAPTURE(request.dump());
    const Json answer = estimated(request);
    REQUIRE(answer["ok"] == true);
    const Json& gpu = answer["devices"][0];
    const double allocated = gpu["allocatedBytes"].get<double>();
    double components = 0, rounding = 0, highest = 0, tensors = 0;
    for (const Json& c : gpu["components"]) {
      components += c["bytes"].get<double>();
      if (c["id"] == "rounding") rounding = c["bytes"].get<double>();
    }
    CHECK(components == allocated);
    for (const Json& point : answer["timeline"]) highest = std::max(highest, point["bytes"].get<double>());
    CHECK(highest == allocated);
    for (const Json& t : gpu["tensors"]) tensors += t["bytes"].get<double>();
    CHECK(tensors == allocated - rounding);
    CHECK(gpu["reservedBytes"]["low"] <= gpu["reservedBytes"]["expected"]);
    CHECK(gpu["processBytes"]["expected"] <= gpu["processBytes"]["high"]);
    CHECK(gpu["headroomBytes"].get<double>() == gpu["usableBytes"].get<double>() - gpu["processBytes"]["expected"].get<double>());
    CHECK(gpu["fits"] == (gpu["headroomBytes"].get<double>() >= 0));
  }
}

TEST_CASE("the cache of a decoder with grouped heads is 2 × layers × heads × width × 2 bytes a token", "[scenario]") {
  const Json config = {{"model_type", "llama"}, {"hidden_size", 4096}, {"intermediate_size", 14336}, {"num_hidden_layers", 32},
                       {"num_attention_heads", 32}, {"num_key_value_heads", 8}, {"vocab_size", 128256}, {"max_position_embeddings", 8192}};
  const Json answer = estimated({{"model", {{"config", config}}}, {"inference", {{"contextTokens", 4096}, {"sequences", 2}}}});
  REQUIRE(answer["ok"] == true);
  CHECK(answer["kvCache"]["bytesPerToken"] == 131072.0);
  CHECK(answer["kvCache"]["bytesPerSequence"] == 131072.0 * 4096);
  CHECK(answer["kvCache"]["bytes"] == 131072.0 * 8192);
}
