// What adapters beside a frozen base keep for backward, against sums that peft's own layers were measured to meet.
// h hidden, f feed-forward width, a heads, k key/value heads, d head width, r rank; bytes per token.

#include "estimate/run.hpp"
#include "training/optimizer.hpp"
#include "support/models.hpp"
#include "support/scenarios.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

constexpr double T = 128, random_states = 2 * 512, r = 16;
const Sizes z = {};

/// A frozen layer's own tensors: norms in fp32, queries, keys, values, output, sums, gate, its activation and up.
double frozen() { return 8 * z.h + 8 + 4 * z.a * z.d + 4 * z.k * z.d + 4 * z.a + 6 * z.f; }

/// Each adapted linear's input and output widths: all seven of a layer.
double inputs() { return 5 * z.h + z.a * z.d + z.f; }
double outputs() { return z.a * z.d + 2 * z.k * z.d + 2 * z.h + 2 * z.f; }

Adaptation all_linear() { return {.targets = {"all-linear"}, .saved = {}, .rank = r}; }

double saved(const Adaptation& a, Setting s = {}) {
  s.adaptation = &a;
  return saved_by_layer("llama", z, s);
}

Json request(const Json& training) { return {{"model", {{"config", small_config()}}}, {"task", "training"}, {"training", training}}; }

}  // namespace

TEST_CASE("adapters on every linear keep a private fp32 input each: more than training everything", "[fine-tuning]") {
  CHECK(saved(all_linear()) == T * (frozen() + 4 * inputs() + 7 * 4 * r) + random_states);
  CHECK(saved(all_linear()) > saved_by_layer("llama", z, {}));
}

TEST_CASE("adapters on queries and values keep two inputs", "[fine-tuning]") {
  CHECK(saved({.targets = {"q_proj", "v_proj"}, .saved = {}, .rank = r}) == T * (frozen() + 2 * (4 * z.h + 4 * r)) + random_states);
}

TEST_CASE("adapters in the base's format share their inputs with each other and with what is kept anyway", "[fine-tuning]") {
  Adaptation a = all_linear();
  a.format = bf16;
  // two norm outputs and down's input come on top; the attention's output is kept anyway
  CHECK(saved(a) == T * (frozen() + 2 * 2 * z.h + 2 * z.f + 7 * 2 * r) + random_states);
}

TEST_CASE("under autocast the private inputs have 16 bits, and so have the adapters' copies", "[fine-tuning]") {
  const double copies = 2 * r * (inputs() + outputs());
  CHECK(saved(all_linear(), {.autocast = bf16}) == T * (frozen() + 2 * inputs() + 7 * 2 * r) + copies + random_states);
}

TEST_CASE("dropout adds a byte an input, no second copy", "[fine-tuning]") {
  Adaptation a = all_linear();
  a.dropout = 0.1;
  CHECK(saved(a) == T * (frozen() + 5 * inputs() + 7 * 4 * r) + random_states);
}

TEST_CASE("trained magnitudes keep 6 bytes an output of each adapted linear", "[fine-tuning]") {
  Adaptation a = all_linear();
  a.magnitudes = true;
  const double factors = saved(a) - T * (frozen() + 4 * inputs() + 7 * 4 * r + 6 * outputs()) - random_states;
  CHECK(factors > 0);                       // a few vectors as long as the outputs, whatever the number of tokens
  CHECK(factors < 7 * 4 * 512 + 12 * outputs());
}

TEST_CASE("a base in 4 bits keeps the same for backward: it is unpacked again", "[fine-tuning]") {
  Adaptation a = all_linear();
  a.packed = find_format("nf4-dq");
  CHECK(saved(a) == saved(all_linear()));
}

TEST_CASE("only adapters are trained, and have states", "[fine-tuning]") {
  const Json answer = estimated(request({{"method", "lora"}, {"lora", {{"rank", 4}, {"targets", {"q_proj"}}}}, {"sequenceTokens", 16}}));
  REQUIRE(answer["ok"] == true);
  const Json config = small_config();
  const double h = config["hidden_size"], layers = config["num_hidden_layers"];
  const double trained = layers * 4 * (h + h);   // q_proj is square here
  CHECK(answer["parameters"]["trainable"] == trained);
  CHECK(answer["scenario"]["training"]["lora"]["format"] == "fp32");
}

TEST_CASE("a step in backward takes temporaries for the parameter at hand only", "[fine-tuning]") {
  Json config = small_config(20);
  config["vocab_size"] = 11;
  const Document document = read({{"model", {{"config", config}}}, {"task", "training"},
                                  {"training", {{"sequenceTokens", 16}, {"optimizerInBackward", true}, {"optimizerStep", "foreach"},
                                                {"checkpointing", "full"}}}});
  std::vector<Issue> issues;
  const Scenario scenario = read_scenario(document, Document::record(), issues);
  REQUIRE(issues.empty());
  CHECK(in(bytes, run_scenario(scenario, false).peak.highest) == in(bytes, run_scenario(scenario, true).peak.highest));
}

TEST_CASE("a parameter's gradient counts as one however it came", "[fine-tuning]") {
  Json config = small_config(2);
  config["model_type"] = "gemma";
  const Document document = read({{"model", {{"config", config}}}, {"task", "training"},
                                  {"training", {{"sequenceTokens", 96}, {"precision", "fp32"}, {"optimizer", "sgd"}}}});
  std::vector<Issue> issues;
  const Scenario scenario = read_scenario(document, Document::record(), issues);
  REQUIRE(issues.empty());
  const Run run = run_scenario(scenario, true);
  const Stretch& last = run.machine->memory.ledger.stretches().back();
  REQUIRE(last.phase == "optimizer-step");
  CHECK(in(bytes, last.parts[Component::gradients]) == 4 * run.total);
}

TEST_CASE("the loss of older versions of transformers copies the logits, and one in place keeps nothing beside them", "[fine-tuning]") {
  const auto peak = [](const Json& options, const char* loss) {
    Json asked = request({{"precision", "bf16"}, {"crossEntropy", loss}, {"microBatch", 4}, {"sequenceTokens", 2048}, {"checkpointing", "full"}});
    asked["model"]["config"]["vocab_size"] = 64000;
    asked["engine"] = {{"options", options}};
    const Json answer = estimated(asked);
    REQUIRE(answer["ok"] == true);
    return answer["devices"][0]["allocatedBytes"].get<double>();
  };
  const double logits = 4.0 * 2048 * 64000, near = 0.02 * logits;
  const auto by_version = [&](const char* version, const char* loss) { return peak({{"transformers_version", version}}, loss); };
  // 14, 12 and (now) 12 bytes a logit; in place 10, 8 and 8
  CHECK(by_version("4.48.1", "full") - by_version("4.45.2", "full") == Approx(2 * logits).margin(near));
  CHECK(by_version("4.45.2", "full") - by_version("4.45.2", "inplace") == Approx(4 * logits).margin(near));
  CHECK(by_version("4.48.1", "full") - by_version("4.48.1", "inplace") == Approx(4 * logits).margin(near));
  CHECK(by_version("4.45.2", "inplace") == peak({{"transformers_version", "4.45.2"}, {"fast_loss", true}}, "full"));
  CHECK(by_version("5", "fused") < by_version("5", "inplace") - 4 * logits);
}

// GPT-BigCode until 4.52: what checkpointed layers give back is a view of the joint projection, h + 2d wide, and all
// layers' are there while the loss is computed.
TEST_CASE("keys and values that checkpointed layers give back keep whole projections", "[fine-tuning]") {
  const double layers = 24, h = 256, d = 64, rows = 2 * 512;
  const auto peak = [&](const char* version, bool cached, const char* checkpointing, const char* precision, const char* loss) {
    Json asked = request({{"precision", precision}, {"microBatch", 2}, {"sequenceTokens", 512}, {"checkpointing", checkpointing},
                          {"crossEntropy", loss}, {"optimizer", "sgd"}});
    asked["model"]["config"] = {{"model_type", "gpt_bigcode"}, {"n_embd", h}, {"n_layer", layers}, {"n_head", h / d}, {"n_positions", 512},
                                {"vocab_size", 65536}, {"multi_query", true}, {"use_cache", cached}};
    asked["engine"] = {{"options", {{"transformers_version", version}}}};
    const Json answer = estimated(asked);
    REQUIRE(answer["ok"] == true);
    return answer["devices"][0]["allocatedBytes"].get<double>();
  };
  const auto given = [&](const char* version, const char* checkpointing, const char* precision = "bf16", const char* loss = "full") {
    return peak(version, true, checkpointing, precision, loss) - peak(version, false, checkpointing, precision, loss);
  };
  CHECK(given("4.48.1", "full") == Approx(2 * layers * rows * (h + 2 * d)).epsilon(0.05));
  CHECK(given("4.48.1", "none") == 0);
  CHECK(given("4.52.4", "full", "bf16", "inplace") > 0);
  CHECK(given("4.53.0", "full", "bf16", "inplace") == 0);
}

// Measured: 4.48.1's own code on tensors without contents, in accelerate 1.3's wrapper. There ids were the labels too,
// and scaled_dot_product_attention was given a mask.
TEST_CASE("under autocast keys and values are widened with the logits, when the forward's own tensors are gone", "[fine-tuning]") {
  const double measured = 142602752, mask = 4 * 512 * 512, labels = 8 * 2 * 512;
  Json asked = request({{"method", "full"}, {"precision", "bf16-amp"}, {"microBatch", 2}, {"sequenceTokens", 512}, {"checkpointing", "full"}, {"optimizer", "sgd"}});
  asked["weights"] = "fp32";
  asked["model"]["config"] = {{"model_type", "gpt_bigcode"}, {"n_embd", 256}, {"n_inner", 64}, {"n_layer", 24}, {"n_head", 2}, {"n_positions", 512},
                              {"vocab_size", 3000}, {"attn_pdrop", 0}, {"embd_pdrop", 0}, {"resid_pdrop", 0}};
  asked["engine"] = {{"options", {{"transformers_version", "4.48.1"}, {"convert_outputs_to_fp32", true}}}};
  const Json answer = estimated(asked);
  REQUIRE(answer["ok"] == true);
  CHECK(answer["devices"][0]["allocatedBytes"].get<double>() == measured - mask + labels);
}

TEST_CASE("Liger's kernels bring their loss with them", "[fine-tuning]") {
  const Json answer = estimated(request({{"kernels", "liger"}, {"sequenceTokens", 512}}));
  REQUIRE(answer["ok"] == true);
  CHECK(answer["scenario"]["training"]["crossEntropy"] == "fused");
  CHECK(issues_of(request({{"kernels", "unsloth"}}))["training.kernels"] == "unsupported");
}

TEST_CASE("states in 8 and 4 bits are packed numbers, a scale a block, tables, and small parameters as they were", "[fine-tuning]") {
  const auto states = [](const char* optimizer, double& matrices) {
    const Json answer = estimated(request({{"optimizer", optimizer}}));
    matrices = answer["parameters"]["trainable"].get<double>() - 5 * 256;   // less five norms
    for (const Json& c : answer["devices"][0]["components"])
      if (c["id"] == "optimizer-states") return c["bytes"].get<double>();
    return 0.0;
  };
  double matrices = 0;
  const double eight = states("adamw-8bit", matrices), lion = states("lion-8bit", matrices), four = states("adamw-4bit", matrices);
  CHECK(eight == 2 * matrices * 260 / 256 + 5 * 256 * 8 + 2 * 1024);
  CHECK(lion == matrices * 260 / 256 + 5 * 256 * 4 + 1024);
  CHECK(four == 2 * matrices * 68 / 128 + 5 * 256 * 4 + 2 * 16 * 64);   // 16 matrices, bf16 norms
}

TEST_CASE("a projection that is random keeps its own rows alone, one that is cut out keeps the whole decomposition in fp32", "[fine-tuning]") {
  const auto states = [](const char* optimizer, const char* precision) {
    const Json answer = estimated(request({{"optimizer", optimizer}, {"precision", precision}}));
    for (const Json& c : answer["devices"][0]["components"])
      if (c["id"] == "optimizer-states") return c["bytes"].get<double>();
    return 0.0;
  };
  CHECK(states("apollo", "fp32") == 2 * states("apollo", "bf16"));
  CHECK(states("galore", "fp32") >= 2 * states("galore", "bf16"));
  CHECK(states("lomo", "bf16") == 0);
  CHECK(issues_of(request({{"optimizer", "adabelief"}}))["training.optimizer"] == "unsupported");
}

// Parameters as measured on real tensors: 300 × 64, 256 × 128, 128 × 512 and a vector of 128, all fp32.
TEST_CASE("states and temporaries of further optimizers are those of their own code", "[fine-tuning]") {
  std::vector<Parameter> measured(4);
  const Shape shapes[] = {{300, 64}, {256, 128}, {128, 512}, {128}};
  for (std::size_t i = 0; i < 4; ++i) measured[i].shape = shapes[i], measured[i].format = fp32;
  const auto of = [&](const char* id) {
    Machine m;
    add_optimizer_states(m, *find_optimizer(id), "foreach", measured);
    const double states = in(bytes, m.memory.ledger.parts()[Component::optimizer_states]), before = in(bytes, m.memory.ledger.parts().sum());
    m.memory.ledger.enter("optimizer-step", 0);
    step_temporaries(m, *find_optimizer(id), "foreach", measured);
    return std::pair{states, in(bytes, m.memory.ledger.stretches().back().highest) - before};
  };
  const double numbers = 300 * 64 + 256 * 128 + 128 * 512 + 128;
  CHECK(of("adamw-schedule-free") == std::pair{8 * numbers, 4 * numbers});
  CHECK(of("shampoo") == std::pair{4237952.0, 4458496.0});
  const double blocks = numbers - 128;   // the vector is small
  CHECK(of("adamw-fp8").first == 2 * (blocks * 260 / 256 + 4 * 128));
  CHECK(of("adamw-8bit-torchao").first == 2 * (blocks * 260 / 256 + 4 * 128 + 3 * 1024));
  CHECK(of("adalomo") == std::pair{4.0 * (300 + 64 + 256 + 128 + 128 + 512 + 128), 2 * 4.0 * 128 * 512});
}

// Measured on real tensors: 300 × 64 and 128 as they are, 512 × 384 and 384 × 1024 projected.
TEST_CASE("GaLore and APOLLO make an update as large as the weight beside what is projected", "[fine-tuning]") {
  std::vector<Parameter> measured(4);
  const Shape shapes[] = {{300, 64}, {128}, {512, 384}, {384, 1024}};
  for (std::size_t i = 0; i < 4; ++i) measured[i].shape = shapes[i], measured[i].format = fp32, measured[i].hidden = i > 1;
  const auto of = [&](const char* id) {
    Machine m;
    add_optimizer_states(m, *find_optimizer(id), "loop", measured);
    const double states = in(bytes, m.memory.ledger.parts()[Component::optimizer_states]), before = in(bytes, m.memory.ledger.parts().sum());
    m.memory.ledger.enter("optimizer-step", 0);
    step_temporaries(m, *find_optimizer(id), "loop", measured);
    return std::pair{states, in(bytes, m.memory.ledger.stretches().back().highest) - before};
  };
  CHECK(of("galore") == std::pair{2907136.0, 4718592.0});
  CHECK(of("apollo").first == 4086792);
  CHECK(of("apollo").second == Approx(6295556).margin(512));
}

TEST_CASE("paged states lie in managed memory, but for their scales and small ones", "[fine-tuning]") {
  Json config = small_config(2);
  config["vocab_size"] = 1000;   // two tables of 256,000 numbers; all others are smaller than 100,000 or larger
  Json asked = {{"model", {{"config", config}}}, {"task", "training"}, {"training", {{"optimizer", "paged-adamw"}, {"sequenceTokens", 16}}}};
  const auto states = [&](const char* role) {
    const Json answer = estimated(asked);
    for (const Json& device : answer["devices"])
      if (device["role"] == role)
        for (const Json& c : device["components"])
          if (c["id"] == "optimizer-states") return c["bytes"].get<double>();
    return 0.0;
  };
  const double total = estimated(asked)["parameters"]["trainable"];
  CHECK(states("gpu") + states("host") == Approx(8 * total).epsilon(1e-3));
  CHECK(states("host") >= 2 * 8 * 256000.0);
  asked["training"]["optimizer"] = "paged-adamw-8bit";
  CHECK(states("host") >= 2 * 2 * 256000.0);
  CHECK(states("gpu") >= 2 * 2 * 4 * 1000.0);
}

TEST_CASE("IA3 trains a factor for each output, and for each input of the last linear", "[fine-tuning]") {
  // measured on peft 0.21.2 under fake tensors, torch 2.15
  Json asked = {{"model", {{"config", {{"model_type", "llama"}, {"hidden_size", 1024}, {"intermediate_size", 2816}, {"num_hidden_layers", 11}, {"num_attention_heads", 16}, {"num_key_value_heads", 4},
                                        {"vocab_size", 2000}, {"max_position_embeddings", 4096}, {"tie_word_embeddings", false}}}}},
                {"task", "training"}, {"training", {{"method", "lora"}, {"lora", {{"kind", "ia3"}}}, {"microBatch", 2}, {"sequenceTokens", 512}}}};
  const Json answer = estimated(asked);
  REQUIRE(answer["ok"] == true);
  CHECK(answer["parameters"]["trainable"] == 11 * (2 * 4 * 64 + 2816));
  CHECK(answer["devices"][0]["allocatedBytes"] == Approx(768987648).epsilon(1e-5));
  asked["training"]["checkpointing"] = "full";
  CHECK(estimated(asked)["devices"][0]["allocatedBytes"] == Approx(360209920).epsilon(2e-5));
}

TEST_CASE("rsLoRA has the tensors of LoRA", "[fine-tuning]") {
  const auto peak = [](const char* kind) { return estimated(request({{"method", "lora"}, {"lora", {{"kind", kind}}}}))["devices"][0]["allocatedBytes"]; };
  CHECK(peak("rslora") == peak("lora"));
  CHECK(issues_of(request({{"method", "qlora"}, {"lora", {{"kind", "ia3"}}}}))["training.lora.kind"] == "contradiction");
}
