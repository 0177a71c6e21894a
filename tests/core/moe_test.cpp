// What a mixture of experts keeps for backward, against sums met to the byte by PyTorch's own; bytes per token unless
// said. h hidden, m an expert's width, E experts, top of them per token, a heads, k key/value heads, d head width.

#include "engines/transformers.hpp"
#include "support/models.hpp"
#include "support/scenarios.hpp"
#include "training/optimizer.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

using Json = nlohmann::ordered_json;

constexpr double T = 128, E = 8, top = 2, m = 384;
constexpr double offsets = 512, random_states = 2 * 512;   // a layer
const Sizes z = {};
const Setting flash = {};

double attention_part() { return 16 * z.h + 4 * z.a * z.d + 4 * z.k * z.d + 4 * z.a + 8; }
/// Gathered inputs, gate and up, silu, product, output before weighting.
double experts_part() { return top * (8 * m + 4 * z.h); }
double of_layer(const char* type, const Json& more) { return saved_by_layer(type, z, flash, more) - offsets - random_states; }

const Json mixtral_like = {{"intermediate_size", m}, {"num_local_experts", E}, {"num_experts_per_tok", top}};

double total(const Decoder& model, bool active) {
  Machine machine;
  ModelRun run(model, plan_layers(layer_kinds(model), false));
  declare_parameters(machine, run, model, bf16);
  double count = 0;
  for (const Parameter& p : machine.parameters.rows) count += in(elements, p.shape.count()) * p.copies * (active ? p.used : 1);
  return count;
}

void check_schedule(const Json& fields) {
  CAPTURE(fields.dump());
  const Decoder model = decoder(fields);
  GenerationPlan plan;
  plan.prompt_tokens = plan.prefill_tokens = 512;
  plan.context_tokens = 600;
  TrainingPlan step;
  step.optimizer = find_optimizer("adamw");
  step.tokens = 256;
  for (const bool checkpointing : {false, true}) {
    step.checkpointing = checkpointing;
    for (const AttentionKernel kernel : {AttentionKernel::sdpa, AttentionKernel::eager}) {
      plan.kernel = step.kernel = kernel;
      std::vector<double> highest[2];
      for (const bool every_layer : {false, true}) {
        Machine inference, training;
        run_generation(inference, model, plan, every_layer);
        run_training_step(training, model, step, every_layer);
        for (const Machine* machine : {&inference, &training}) {
          Bytes most;
          for (const Stretch& s : machine->memory.ledger.stretches()) most = std::max(most, s.highest);
          highest[every_layer].push_back(in(bytes, most));
        }
      }
      CHECK(highest[0] == highest[1]);
    }
  }
}

}  // namespace

TEST_CASE("Mixtral's experts keep top (8m + 4h + 40) + 4E + 4", "[moe]") {
  CHECK(of_layer("mixtral", mixtral_like) == T * (attention_part() + experts_part() + 40 * top + 4 * E + 4));
}

TEST_CASE("routing weights cast to bf16 keep two bytes less a row, unnormalised ones neither clone nor sum", "[moe]") {
  const Json olmoe = {{"intermediate_size", m}, {"num_experts", E}, {"num_experts_per_tok", top}};
  const double norms = 6 * (z.a + z.k) * z.d + 8;   // queries and keys over all heads together
  const double indices = 4 * 8;
  CHECK(of_layer("olmoe", olmoe) == T * (attention_part() + norms + experts_part() + top * (indices + 2) + 4 * E));
  Json normalised = olmoe;
  normalised["norm_topk_prob"] = true;
  CHECK(of_layer("olmoe", normalised) == T * (attention_part() + norms + experts_part() + top * (indices + 2 + 4) + 4 * E + 4));
}

TEST_CASE("a shared expert keeps 8 of its width, its output 2h and its gate's sigmoid", "[moe]") {
  const Json qwen = {{"moe_intermediate_size", m}, {"num_experts", E}, {"num_experts_per_tok", top}, {"shared_expert_intermediate_size", 512}};
  const double routed = attention_part() + experts_part() + top * (4 * 8 + 2) + 4 * E;
  CHECK(of_layer("qwen2_moe", qwen) == T * (routed + 8 * 512 + 2 * z.h) + 512);
}

TEST_CASE("a checkpointed layer of experts keeps its input alone", "[moe]") {
  CHECK(saved_by_layer("mixtral", z, {.checkpointing = true}, mixtral_like) == T * 2 * z.h);
}

TEST_CASE("a token works with the routed share of the experts", "[moe]") {
  const Decoder model = decoder({{"model_type", "mixtral"}});
  CHECK(total(model, false) == 46702792704);
  CHECK(total(model, true) == 12879925248);
}

TEST_CASE("experts are where the family has them", "[moe]") {
  const auto sparse = [](const Json& fields) {
    std::string layers;
    for (const DecoderLayer& l : decoder(fields).layers) layers.push_back(l.experts ? 'x' : '-');
    return layers;
  };
  CHECK(sparse(config("qwen3_moe", z, 6, {{"decoder_sparse_step", 2}, {"mlp_only_layers", {3}}})) == "-x---x");
  CHECK(sparse(config("deepseek_v3", z, 5, {{"first_k_dense_replace", 2}})) == "--xxx");
  CHECK(sparse(config("ernie4_5_moe", z, 6, {{"moe_layer_start_index", 1}, {"moe_layer_end_index", 4}})) == "-xxxx-");
}

TEST_CASE("layers left out change nothing: dense ones first, every second one sparse, windows in turn", "[moe]") {
  const Json few = {{"num_experts_per_tok", top}, {"moe_intermediate_size", m}};
  const auto with = [&](Json more) {
    more.update(few);
    return more;
  };
  check_schedule(config("deepseek_v2", z, 24, with({{"n_routed_experts", E}, {"first_k_dense_replace", 1}})));
  check_schedule(config("qwen3_moe", z, 24, with({{"num_experts", E}, {"decoder_sparse_step", 2}})));
  check_schedule(config("gpt_oss", z, 24, with({{"num_local_experts", E}, {"sliding_window", 64}})));
}

TEST_CASE("Adafactor keeps rows and columns of every expert") {
  const auto states = [](double experts) {
    const Json config = {{"model_type", "mixtral"}, {"hidden_size", 64}, {"intermediate_size", 32}, {"num_hidden_layers", 1}, {"num_attention_heads", 4},
                         {"num_key_value_heads", 4}, {"vocab_size", 100}, {"num_local_experts", experts}, {"num_experts_per_tok", 2}};
    const Json answer = estimated({{"model", {{"config", config}}}, {"task", "training"}, {"weights", "bf16"},
                                   {"training", {{"precision", "bf16"}, {"optimizer", "adafactor"}, {"sequenceTokens", 64}}}});
    for (const Json& c : answer["devices"][0]["components"])
      if (c["id"] == "optimizer-states") return c["bytes"].get<double>();
    return 0.0;
  };
  // gate and up [64, 64], down [64, 32], one row of the router.
  CHECK(states(9) - states(8) == 2 * ((64 + 64) + (64 + 32) + 1));
}
