// Inputs of single layers, borrowed keys and values, hidden states side by side (Gemma 3n, Gemma 4).

#include "engines/transformers.hpp"
#include "support/models.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

using Json = nlohmann::ordered_json;

constexpr double T = 128, p = 64;
const Sizes z = {};

/// Two layers that lend, then so many that borrow.
Json lending(int borrowing, double width) {
  Json types = {"sliding_attention", "full_attention"};
  for (int i = 0; i < borrowing; ++i) types.push_back(i % 2 == 0 ? "sliding_attention" : "full_attention");
  return {{"layer_types", types}, {"num_kv_shared_layers", borrowing}, {"hidden_size_per_layer_input", width}, {"vocab_size_per_layer_input", z.v},
          {"global_head_dim", z.d}, {"laurel_rank", 16}, {"sliding_window", 4096}};
}

double parameters(const Decoder& model) {
  Machine m;
  ModelRun run(model, plan_layers(layer_kinds(model), false));
  declare_parameters(m, run, model, bf16);
  double sum = 0;
  for (const Parameter& one : m.parameters.rows) sum += one.count();
  return sum;
}

double cache(const Decoder& model) {
  GenerationPlan plan;
  plan.prompt_tokens = plan.prefill_tokens = 64;
  plan.context_tokens = 96;
  Machine m;
  return in(bytes, run_generation(m, model, plan).cache);
}

}  // namespace

TEST_CASE("layers that borrow keys and values have no weights for them and no cache", "[layer_inputs]") {
  for (const char* type : {"gemma4_text", "gemma3n_text"}) {
    const Decoder two = decoder(config(type, z, 2, lending(0, p))), four = decoder(config(type, z, 4, lending(2, p)));
    CHECK(cache(two) == cache(four));
    Json own = lending(2, p);
    own["num_kv_shared_layers"] = 0;
    CHECK(parameters(decoder(config(type, z, 4, own))) - parameters(four) == 2 * (2 * z.k * z.d * z.h + z.d));
  }
}

TEST_CASE("an input of a layer's own takes a table, a projection, two linears and a norm", "[layer_inputs]") {
  const auto with = [](double width) { return parameters(decoder(config("gemma4_text", z, 2, lending(0, width)))); };
  CHECK(with(p) - with(0) == 2 * p * z.v + 2 * p * z.h + p + 2 * (2 * p * z.h + z.h));
}

TEST_CASE("each number of such an input keeps four to ten of its kind for backward", "[layer_inputs]") {
  // The gate saves its input and the activation's, the product both operands, the projection the product; then a norm.
  const auto kept = [](double width) { return saved_by(decoder(config("gemma4_text", z, 1, Json{{"hidden_size_per_layer_input", width}, {"vocab_size_per_layer_input", z.v}, {"global_head_dim", z.d}})), {}); };
  CHECK(kept(2 * p) - kept(p) > T * p * 2 * 4);
  CHECK(kept(2 * p) - kept(p) < T * p * 2 * 10);
}
