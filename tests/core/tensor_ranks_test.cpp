// Linears split over ranks, and products in 8 bits: single operations by hand, and steps that PyTorch's DTensor inside
// fully_shard was asked for on tensors without contents (Source: [torch-fake-tensor-measurement]).

#include "layers/split_sequence.hpp"
#include "support/bench.hpp"
#include "support/scenarios.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

// A rank's part [2, 256, 256] of a sequence of 512 tokens is T bytes in bf16.
constexpr double T = 2 * 256 * 256 * 2;
const Shape part = {2, 256, 256}, all_parts = {2, 512, 256};

Json split_training(int data, int tensor, int sequences, const char* checkpointing, const char* weights = "fp32") {
  const Json config = {{"model_type", "llama"}, {"hidden_size", 256}, {"num_hidden_layers", 4}, {"num_attention_heads", 8}, {"head_dim", 32},
                       {"num_key_value_heads", 4}, {"intermediate_size", 768}, {"vocab_size", 4096}, {"tie_word_embeddings", false}};
  return {{"model", {{"config", config}}}, {"task", "training"}, {"weights", weights},
          {"engine", {{"name", "fsdp"}, {"options", {{"mixed_precision_param", "bfloat16"}, {"mixed_precision_reduce", "float32"}}}}},
          {"training", {{"precision", "bf16"}, {"optimizer", "adamw"}, {"optimizerStep", "fused"}, {"microBatch", sequences}, {"sequenceTokens", 512}, {"checkpointing", checkpointing}}},
          {"parallel", {{"data", data}, {"tensor", tensor}, {"zero", 3}}}};
}

/// Up to what the placing of words on ranks leaves for each token: a mask and a few numbers.
void check_within(const Json& answer, const char* phase, double measured) {
  CHECK(highest(answer, phase) == Approx(measured).epsilon(0.001));
}

}  // namespace

TEST_CASE("A gathered sequence arrives by rank and is put in order; its gradient goes the other way") {
  const auto seen = trace([](Bench& b) { return gather_sequence(b.m, b.hidden(part), 2); });
  CHECK(seen.shape == all_parts);
  CHECK(seen.forward == T + 2 * T + 2 * T);   // the part, all parts, in order
  CHECK(seen.saved == 0);
  CHECK(seen.backward == 2 * T + 2 * T + T);  // the gradient, by rank, this rank's sum
}

TEST_CASE("A scattered sum is this rank's part; its gradient is gathered") {
  const auto seen = trace([](Bench& b) { return scatter_sequence(b.m, b.hidden(all_parts), 2); });
  CHECK(seen.shape == part);
  CHECK(seen.forward == 2 * T + 2 * T + T);
  CHECK(seen.backward == T + 2 * T + 2 * T);
}

TEST_CASE("A product in 8 bits keeps its operands as they are") {
  constexpr double rows = 256, width = 256, outputs = 768, X = rows * width * 2, W = outputs * width * 2;
  const auto seen = trace([](Bench& b) { return b.m.linear_in_8_bits(b.hidden({1, rows, width}), b.weight({outputs, width}), {}, "y"); });
  CHECK(seen.forward == X + X / 2 + W / 2 + 3 * X);   // input, both in 8 bits, the result
  CHECK(seen.saved == X);
  // The result's gradient, the input and its gradient; then gradient and input in 8 bits and the weight's gradient.
  CHECK(seen.backward == 3 * X + X + X + 3 * X / 2 + X / 2 + W);
  CHECK(seen.gradients == W);
}

TEST_CASE("Phases where linears are split are those that PyTorch was measured to have") {
  const Json two = estimated(split_training(4, 2, 2, "none")), four = estimated(split_training(4, 4, 2, "full"));
  check_within(two, "forward", 42939904);
  check_within(two, "loss", 68134912);
  check_within(two, "backward", 72077312);
  check_within(two, "optimizer-step", 10539520);
  check_within(four, "forward", 9167360);
  check_within(four, "loss", 21779456);
  check_within(four, "backward", 23759872);
  check_within(four, "optimizer-step", 5296640);
  CHECK(two["devices"][0]["count"] == 8);
  CHECK(two["parameters"]["total"] == 5245184);   // of the whole model: 2 · 4096 · 256 + 4 · (3 · 256 · 256 + 3 · 256 · 768 + 2 · 256) + 256
}

TEST_CASE("Split linears sum to the whole; norms are on every rank") {
  const auto weights = [](int tensor) {
    const Json answer = estimated(split_training(1, tensor, 1, "none"));
    for (const Json& c : answer["devices"][0]["components"])
      if (c["id"] == "weights") return c["bytes"].get<double>();
    return 0.0;
  };
  const double norms = 9 * 256 * 4;   // two in each of four layers, and the last one
  for (const int ranks : {2, 4}) CHECK(ranks * (weights(ranks) - norms) == weights(1) - norms);
}

TEST_CASE("Linears in 8 bits change what products take, and nothing that is kept") {
  Json request = split_training(4, 2, 2, "none");
  const Json plain = estimated(request);
  request["training"]["precision"] = "fp8";
  const Json cast = estimated(request);
  REQUIRE(cast["ok"] == true);
  CHECK(cast["devices"][0]["components"][0] == plain["devices"][0]["components"][0]);
  CHECK(highest(cast, "loss") == highest(plain, "loss"));        // the head's product stays in 16 bits
  CHECK(estimated(cast["scenario"])["devices"] == cast["devices"]);
}

TEST_CASE("What cannot be split is an issue") {
  Json request = split_training(4, 3, 2, "none");
  CHECK(issues_of(request)["parallel.tensor"] == "contradiction");
  request = split_training(4, 2, 2, "none");
  request["parallel"]["sequenceParallel"] = false;
  CHECK(issues_of(request)["parallel.sequenceParallel"] == "unsupported");
  request = split_training(4, 2, 2, "none");
  request["training"]["method"] = "lora";
  CHECK(issues_of(request)["training.method"] == "unsupported");
  request = split_training(4, 2, 2, "none");
  request["engine"]["name"] = "deepspeed";
  request["engine"].erase("options");
  CHECK(issues_of(request)["parallel.tensor"] == "unsupported");
}

TEST_CASE("Where words lie on several ranks each makes the gradient of them all") {
  // A rank's table [1024, 256] in bf16 is W bytes, all four 4 W; 1024 tokens of 256 numbers take W, too.
  constexpr double W = 1024 * 256 * 2;
  const auto seen = trace([](Bench& b) { return embedding_of_split_words(b.m, b.m.allocate({2, 512}, int64, "ids"), b.weight({1024, 256}), 4); });
  CHECK(seen.shape == Shape{2, 512, 256});
  CHECK(seen.forward == 1024 * 8 + W);
  CHECK(seen.saved == 1024 * 8);
  CHECK(seen.backward == 1024 * 8 + 4 * W + W);   // the tokens' gradient goes before this rank's part is copied
  CHECK(seen.gradients == W);
}
