// Where adapters are and what they keep, beside linears: stacked experts, routers, projections of embeddings, magnitudes.
// h hidden, f an expert's width, E experts, r rank; parameters by hand.

#include "support/models.hpp"
#include "support/scenarios.hpp"
#include "training/optimizer.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

constexpr double h = 256, f = 96, E = 8, r = 4, layers = 2;

Json experts(const char* type, const Json& more = Json::object()) {
  Json c = small_config(static_cast<int>(layers));
  c.update({{"model_type", type}, {"head_dim", 64}, {"num_experts", E}, {"num_experts_per_tok", 2}, {"moe_intermediate_size", f}});
  c.update(more);
  return c;
}

Json asked(const Json& config, const Json& lora, const char* method = "lora", const Json& training = Json::object()) {
  Json t = {{"method", method}, {"sequenceTokens", 16}, {"lora", lora}};
  t.update(training);
  return {{"model", {{"config", config}}}, {"task", "training"}, {"training", t}};
}

double trained(const Json& config, const Json& targets) {
  const Json answer = estimated(asked(config, {{"rank", r}, {"targets", targets}}));
  return answer["ok"] == true ? answer["parameters"]["trainable"].get<double>() : -1;
}

/// Of one layer: gate and up in one matrix, with the ranks of both; down; queries and outputs, keys and values.
constexpr double joint = 2 * r * E * (h + 2 * f), down = r * E * (f + h), router = r * (h + E);
constexpr double attention = r * (2 * (h + 256) + 2 * (h + 128));

}  // namespace

// Measured: peft 0.21.2 on Transformers 5.23's Qwen3-MoE gives these numbers.
TEST_CASE("names of the linears that experts were reach their stacks, and router and attention with all-linear", "[adapters]") {
  const Json config = experts("qwen3_moe");
  CHECK(trained(config, {"gate_proj", "up_proj", "down_proj"}) == layers * (joint + down));
  CHECK(trained(config, {"down_proj"}) == layers * down);
  CHECK(trained(config, {"q_proj", "gate"}) == layers * (r * (h + 256) + router));
  CHECK(trained(config, {"all-linear"}) == layers * (joint + down + router + attention));
}

TEST_CASE("Mixtral's experts go by numbers; types that are in no table have no adapters of stacks", "[adapters]") {
  const Json mixtral = experts("mixtral", {{"num_local_experts", E}, {"intermediate_size", f}});
  CHECK(trained(mixtral, {"w1", "w2", "w3"}) == layers * (joint + down));
  CHECK(trained(mixtral, {"q_proj", "down_proj"}) == layers * r * (h + 256));
  const Json shared = experts("qwen2_moe", {{"shared_expert_intermediate_size", 64}});
  // its shared expert of three linears, and that one's gate
  CHECK(trained(shared, {"all-linear"}) == layers * (attention + 3 * r * (h + 64) + r * (h + 1)));
}

TEST_CASE("the first layers' plain MLPs lose their adapters to the stacks' names", "[adapters]") {
  const Json config = experts("qwen3_moe", {{"mlp_only_layers", {0}}});
  CHECK(trained(config, {"gate_proj", "up_proj", "down_proj"}) == joint + down);
}

TEST_CASE("what peft refuses of stacks is refused", "[adapters]") {
  const Json config = experts("qwen3_moe");
  const auto issue = [&](const Json& lora, const char* method = "lora") { return issues_of(asked(config, lora, method)); };
  CHECK(issue({{"targets", {"gate_proj"}}})["training.lora.targets"] == "contradiction");
  CHECK(issue({{"targets", {"down_proj"}}, {"dropout", 0.1}})["training.lora.dropout"] == "unsupported");
  CHECK(issue({{"targets", {"all-linear"}}}, "dora")["training.method"] == "unsupported");
  CHECK(estimated(asked(config, {{"targets", {"q_proj"}}, {"dropout", 0.1}}, "dora"))["ok"] == true);
}

TEST_CASE("experts that are modules, before Transformers 5, have adapters each", "[adapters]") {
  Json request = asked(experts("qwen3_moe"), {{"rank", r}, {"targets", {"down_proj"}}});
  request["engine"] = {{"options", {{"transformers_version", "4.57"}}}};
  CHECK(estimated(request)["parameters"]["trainable"].get<double>() == layers * E * r * (f + h));
}

TEST_CASE("OPT's projections beside its narrow embeddings are linears too", "[adapters]") {
  const Json opt = {{"model_type", "opt"}, {"hidden_size", h}, {"word_embed_proj_dim", 128}, {"ffn_dim", 512}, {"num_attention_heads", 4},
                    {"num_hidden_layers", layers}, {"vocab_size", 1000}, {"max_position_embeddings", 128}, {"do_layer_norm_before", false}};
  CHECK(trained(opt, {"all-linear"}) == layers * r * (4 * 2 * h + 2 * (h + 512)) + 2 * r * (h + 128));
}

TEST_CASE("GPT-BigCode's multi_query decides, whatever num_key_value_heads says", "[adapters]") {
  const auto count = [](const Json& more) {
    Json c = {{"model_type", "gpt_bigcode"}, {"n_embd", h}, {"n_layer", 2}, {"n_head", 4}, {"n_positions", 128}, {"vocab_size", 1000}};
    c.update(more);
    return estimated({{"model", {{"config", c}}}, {"task", "training"}, {"training", {{"sequenceTokens", 16}}}})["parameters"]["total"].get<double>();
  };
  CHECK(count({{"num_key_value_heads", 4}}) == count(Json::object()));
  CHECK(count({{"multi_query", false}}) - count(Json::object()) == 2 * (h + 1) * 2 * (256 - 64));
}

TEST_CASE("Gemma 4's layers are as they were written down one by one, where they were", "[adapters]") {
  const auto heads = [](const Json& more) {
    Json c = small_config(2);
    c.update({{"model_type", "gemma4_text"}, {"head_dim", 64}, {"hidden_size_per_layer_input", 0}, {"layer_types", {"sliding_attention", "full_attention"}}});
    c.update(more);
    return decoder(c).layers.back().attention.head_dim;
  };
  CHECK(heads(Json::object()) == 512);
  CHECK(heads({{"global_head_dim", 128}}) == 128);
  CHECK(heads({{"per_layer_config", Json::object()}}) == 64);
  CHECK(heads({{"per_layer_config", {{"1", {{"head_dim", 96}}}}}}) == 96);
}

// With dropout peft runs the base again, on what is left of the input and with the weight in fp32: both are kept, and
// the fp32 result instead of the one in 16 bits.
TEST_CASE("magnitudes with dropout keep a copy of the base's weight", "[adapters]") {
  const Sizes z = {};
  constexpr double T = 128;
  const auto saved = [&](double dropout) {
    const Adaptation a = {.targets = {"o_proj"}, .saved = {}, .rank = 16, .dropout = dropout, .magnitudes = true};
    return saved_by_layer("llama", z, {.adaptation = &a});
  };
  const double in = z.a * z.d;
  CHECK(saved(0.1) - saved(0) == T * (in + 2 * z.h) + 4 * in * z.h);
}

// Adagrad's two lists: of the adapters' 1,000 numbers in fp32, then of a head's 10,000 in bf16, one old list beside two new.
TEST_CASE("a step on all tensors at once goes format by format", "[adapters]") {
  Machine m;
  std::vector<Parameter> parameters(2);
  parameters[0].name = parameters[1].name = "weight";
  parameters[0].shape = {1024};
  parameters[0].format = fp32;
  parameters[1].shape = {10240};
  parameters[1].format = bf16;
  for (Parameter& p : parameters) p.trainable = true;
  m.memory.ledger.enter("optimizer-step", -1);
  step_temporaries(m, *find_optimizer("adagrad"), "foreach", parameters);
  CHECK(in(bytes, m.memory.ledger.stretches().back().highest) == 2 * 2 * 10240 + 4 * 1024);
}
