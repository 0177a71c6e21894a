// Mixers: small models whose phases PyTorch was asked for (Source: [torch-fake-tensor-measurement]), the sizes of what
// they carry worked by hand, and where the program is not used.

#include "support/bench.hpp"
#include "support/scenarios.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

const Json short_convolutions = {{"model_type", "lfm2"}, {"hidden_size", 256}, {"intermediate_size", 768}, {"num_hidden_layers", 3},
                                 {"num_attention_heads", 4}, {"num_key_value_heads", 2}, {"layer_types", {"conv", "full_attention", "conv"}},
                                 {"vocab_size", 1000}};
const Json scan = {{"model_type", "mamba2"}, {"hidden_size", 128}, {"num_hidden_layers", 2}, {"state_size", 32}, {"conv_kernel", 4},
                   {"expand", 2}, {"head_dim", 32}, {"num_heads", 8}, {"n_groups", 1}, {"vocab_size", 1000}, {"chunk_size", 64},
                   {"tie_word_embeddings", true}};
const Json loop = {{"model_type", "mamba"}, {"hidden_size", 128}, {"num_hidden_layers", 2}, {"state_size", 16}, {"conv_kernel", 4},
                   {"expand", 2}, {"vocab_size", 1000}};
const Json beside = {{"model_type", "falcon_h1"}, {"hidden_size", 256}, {"num_hidden_layers", 2}, {"intermediate_size", 512},
                     {"num_attention_heads", 4}, {"num_key_value_heads", 2}, {"head_dim", 64}, {"mamba_d_ssm", 384}, {"mamba_n_heads", 12},
                     {"mamba_d_head", 32}, {"mamba_d_state", 32}, {"mamba_n_groups", 1}, {"mamba_d_conv", 4}, {"mamba_chunk_size", 64},
                     {"mamba_rms_norm", false}, {"vocab_size", 1000}};
const Json granite_hybrid = {{"model_type", "granitemoehybrid"}, {"hidden_size", 128}, {"intermediate_size", 64}, {"shared_intermediate_size", 256},
                      {"num_hidden_layers", 3}, {"num_attention_heads", 4}, {"num_key_value_heads", 2},
                      {"layer_types", {"mamba", "attention", "mamba"}}, {"vocab_size", 1000}, {"mamba_n_heads", 8}, {"mamba_d_head", 32},
                      {"mamba_d_state", 32}, {"mamba_n_groups", 1}, {"mamba_d_conv", 4}, {"mamba_expand", 2}, {"mamba_chunk_size", 64},
                      {"num_local_experts", 4}, {"num_experts_per_tok", 2}};
const Json jamba_hybrid = {{"model_type", "jamba"}, {"hidden_size", 128}, {"intermediate_size", 256}, {"num_hidden_layers", 4},
                    {"num_attention_heads", 4}, {"num_key_value_heads", 2}, {"attn_layer_period", 4}, {"attn_layer_offset", 2},
                    {"expert_layer_period", 2}, {"expert_layer_offset", 1}, {"num_experts", 4}, {"num_experts_per_tok", 2},
                    {"vocab_size", 1000}, {"mamba_d_state", 16}, {"mamba_d_conv", 4}, {"mamba_expand", 2}, {"mamba_dt_rank", 8}};
const Json one_by_one = {{"model_type", "nemotron_h"}, {"hidden_size", 128}, {"intermediate_size", 256}, {"hybrid_override_pattern", "ME*E"},
                         {"num_attention_heads", 4}, {"num_key_value_heads", 2}, {"head_dim", 32}, {"vocab_size", 1000},
                         {"mamba_num_heads", 8}, {"mamba_head_dim", 32}, {"ssm_state_size", 32}, {"n_groups", 2}, {"conv_kernel", 4},
                         {"chunk_size", 64}, {"n_routed_experts", 8}, {"num_experts_per_tok", 2}, {"moe_intermediate_size", 64},
                         {"moe_shared_expert_intermediate_size", 128}, {"moe_latent_size", 64}};
const Json delta = {{"model_type", "qwen3_next"}, {"vocab_size", 512}, {"hidden_size", 128}, {"intermediate_size", 256}, {"num_hidden_layers", 2},
                    {"layer_types", {"linear_attention", "full_attention"}}, {"num_attention_heads", 4}, {"num_key_value_heads", 2},
                    {"head_dim", 64}, {"linear_conv_kernel_dim", 4}, {"linear_key_head_dim", 32}, {"linear_value_head_dim", 32},
                    {"linear_num_key_heads", 2}, {"linear_num_value_heads", 4}, {"moe_intermediate_size", 64},
                    {"shared_expert_intermediate_size", 64}, {"num_experts", 8}, {"num_experts_per_tok", 2}};

Json with(Json config, const char* field, Json value) {
  config[field] = std::move(value);
  return config;
}
const Json delta_on_grid = {{"model_type", "qwen3_5_text"}, {"vocab_size", 512}, {"hidden_size", 128}, {"intermediate_size", 256}, {"num_hidden_layers", 4},
                            {"num_attention_heads", 4}, {"num_key_value_heads", 2}, {"head_dim", 64}, {"linear_conv_kernel_dim", 4},
                            {"linear_key_head_dim", 32}, {"linear_value_head_dim", 32}, {"linear_num_key_heads", 2}, {"linear_num_value_heads", 4}};
const Json lightning = {{"model_type", "minimax"}, {"vocab_size", 512}, {"hidden_size", 128}, {"intermediate_size", 64}, {"num_hidden_layers", 4},
                        {"num_attention_heads", 4}, {"num_key_value_heads", 2}, {"head_dim", 32}, {"block_size", 64}, {"num_local_experts", 8},
                        {"layer_types", {"linear_attention", "linear_attention", "full_attention", "linear_attention"}}};
const Json delta_by_one_key = with(delta, "linear_num_key_heads", 1);
const Json delta_by_equal_heads = with(with(delta, "linear_num_key_heads", 4), "mlp_only_layers", {0, 1});

Json inference(const Json& config, double sequences, double prompt, const char* kernel) {
  return {{"model", {{"config", config}}}, {"weights", "bf16"},
          {"inference", {{"sequences", sequences}, {"promptTokens", prompt}, {"prefillTokens", prompt}, {"contextTokens", prompt + 2}, {"attention", kernel}}}};
}

struct Measured {
  const Json& config;
  double sequences, prompt;
  const char* kernel;
  double cache, prefill, decode;
};

const Measured measured[] = {
    {short_convolutions, 1, 64, "flash", 36864, 4702720, 4381184},
    {short_convolutions, 2, 64, "eager", 73728, 5145600, 4545024},
    {short_convolutions, 1, 2, "eager", 5120, 4339200, 4337152},   // fewer tokens than the convolution sees
    {scan, 1, 100, "eager", 70656, 3269120, 907264},
    {scan, 2, 100, "eager", 141312, 5837824, 1113088},
    {scan, 1, 40, "eager", 70656, 2008064, 906752},                // one chunk: einsum copies nothing
    {beside, 1, 100, "flash", 209920, 8578560, 5076992},
    {beside, 2, 64, "eager", 346112, 8869888, 5414912},
    {loop, 1, 100, "eager", 36864, 6368768, 865280},
    {loop, 2, 20, "eager", 73728, 3052032, 986624},
    {granite_hybrid, 2, 100, "sdpa", 193536, 7377920, 2704384},
    {jamba_hybrid, 2, 20, "eager", 121856, 5654016, 3598848},
    {one_by_one, 1, 100, "flash", 61952, 3825152, 1514496},
    {delta, 1, 2, "flash", 20480, 2213888, 1636864},               // one chunk, nothing to copy behind the solver
    {delta, 1, 64, "eager", 52224, 2352128, 1684992},
    {delta, 2, 65, "sdpa", 105472, 4121088, 1775104},
    {delta_by_one_key, 2, 130, "flash", 171008, 5298688, 1823232},
    {delta_by_equal_heads, 2, 130, "flash", 174080, 5055488, 1381376},
    {delta_on_grid, 1, 100, "flash", 107520, 3075584, 1895424},
    {delta_on_grid, 2, 256, "sdpa", 374784, 7038464, 2244608},
    {lightning, 1, 100, "flash", 50688, 3006976, 2624512},
    {lightning, 2, 130, "sdpa", 116736, 3710464, 2716672},
    {lightning, 2, 64, "eager", 82944, 3206144, 2705920},
};

}  // namespace

TEST_CASE("models with mixers run as PyTorch runs them, to the byte", "[mixers]") {
  for (const Measured& row : measured) {
    CAPTURE(row.config["model_type"], row.sequences, row.prompt);
    const Json answer = estimated(inference(row.config, row.sequences, row.prompt, row.kernel));
    REQUIRE(answer["ok"] == true);
    CHECK(answer["kvCache"]["bytes"] == row.cache);
    CHECK(highest(answer, "prefill") == row.prefill);
    CHECK(highest(answer, "decode") == row.decode);
  }
}

TEST_CASE("a convolution carries its last inputs, a scan a state in fp32, and neither grows", "[mixers]") {
  const double convolution = 2 * (256 + 2 * 32) * 4, state = 4 * 8 * 32 * 32;   // bytes a layer
  for (const double prompt : {100.0, 1000.0}) {
    const Json answer = estimated(inference(scan, 1, prompt, "flash"));
    CHECK(answer["kvCache"]["bytes"] == 2 * (convolution + state));
    CHECK(answer["kvCache"]["bytesPerToken"] == 0);
    for (const Json& part : answer["devices"][0]["components"])
      if (part["id"] == "recurrent-state") CHECK(part["bytes"] == 2 * (convolution + state));
  }
}

TEST_CASE("the gated delta rule carries a matrix a head of values in fp32, and the last inputs of its convolution", "[mixers]") {
  const double convolution = 2 * (2 * 2 * 32 + 4 * 32) * 4, state = 4 * 4 * 32 * 32, token = 2 * 2 * 2 * 64;   // bytes; of attention a token
  const Json answer = estimated(inference(delta, 1, 1000, "flash"));
  CHECK(answer["kvCache"]["bytes"] == convolution + state + 1002 * token);
  CHECK(answer["kvCache"]["bytesPerToken"] == token);
}

TEST_CASE("the gated delta rule's scan holds as much however many chunks follow, but for what grows by the token", "[mixers]") {
  const auto prefill = [](double prompt) { return highest(estimated(inference(delta, 1, prompt, "flash")), "prefill"); };
  CHECK(prefill(64 * 40) - prefill(64 * 39) == prefill(64 * 30) - prefill(64 * 29));
}

TEST_CASE("a prompt in parts carries on what earlier parts left", "[mixers]") {
  for (const Json* config : {&short_convolutions, &scan, &beside, &granite_hybrid, &jamba_hybrid, &delta}) {
    Json request = inference(*config, 1, 256, "flash");
    const Json whole = estimated(request);
    request["inference"]["prefillTokens"] = 64;
    const Json parts = estimated(request);
    CHECK(parts["kvCache"]["bytes"] == whole["kvCache"]["bytes"]);
    CHECK(highest(parts, "prefill") < highest(whole, "prefill"));
    CHECK(highest(parts, "decode") == highest(whole, "decode"));
  }
}

TEST_CASE("a step of a model with convolutions is PyTorch's, but for the loss's own few bytes in backward", "[mixers]") {
  const Json answer = estimated({{"model", {{"config", short_convolutions}}}, {"task", "training"},
                                 {"training", {{"method", "full"}, {"precision", "bf16"}, {"optimizer", "adamw"}, {"optimizerStep", "fused"},
                                               {"microBatch", 2}, {"sequenceTokens", 100}, {"attention", "sdpa"}}}});
  REQUIRE(answer["ok"] == true);
  CHECK(highest(answer, "forward") == 20762624);
  CHECK(highest(answer, "loss") == 22356992);
  CHECK(std::abs(highest(answer, "backward") - 22752768) <= 1024);
  CHECK(highest(answer, "optimizer-step") == 17303040);
}

struct Step {
  const Json& config;
  const char* precision;
  double sequences, tokens, forward, loss, backward;
};
const Step steps[] = {
    {delta_on_grid, "fp32", 2, 130, 38499328, 39037952, 39565312},
    {delta_on_grid, "bf16", 2, 130, 27326976, 28396544, 28657664},
    {delta_on_grid, "bf16-amp", 2, 130, 34325504, 35396608, 35524608},
    {delta_on_grid, "fp32", 1, 128, 23158272, 23422976, 23683584},
    {lightning, "fp32", 2, 130, 30963200, 31501824, 32029184},
    {lightning, "bf16-amp", 2, 130, 27592192, 28663296, 28791296},
};

TEST_CASE("what a linear attention keeps for backward, chunk by chunk, is PyTorch's but for a few small tensors", "[mixers]") {
  for (const Step& row : steps) {
    CAPTURE(row.config["model_type"], row.precision, row.tokens);
    const Json answer = estimated({{"model", {{"config", row.config}}}, {"task", "training"}, {"weights", row.precision == std::string("bf16") ? "bf16" : "fp32"},
                                   {"training", {{"method", "full"}, {"precision", row.precision}, {"optimizer", "adamw"}, {"optimizerStep", "fused"},
                                                 {"microBatch", row.sequences}, {"sequenceTokens", row.tokens}, {"attention", "sdpa"}}}});
    REQUIRE(answer["ok"] == true);
    CHECK(std::abs(highest(answer, "forward") - row.forward) <= 1024);
    CHECK(std::abs(highest(answer, "loss") - row.loss) <= 1024);
    CHECK(std::abs(highest(answer, "backward") - row.backward) <= 1024);
  }
}

TEST_CASE("chunks that are counted and not run keep about as much as those that are", "[mixers]") {
  for (const Json* config : {&delta_on_grid, &lightning}) {
    const auto forward = [&](double chunks) {
      return highest(estimated({{"model", {{"config", *config}}}, {"task", "training"}, {"weights", "bf16"},
                                {"training", {{"precision", "bf16"}, {"sequenceTokens", 64 * chunks}, {"attention", "sdpa"}}}}), "forward");
    };
    const double run = forward(1000) - forward(999), counted = forward(1100) - forward(1099);
    CHECK(std::abs(counted - run) < 0.01 * run);
  }
}

TEST_CASE("what is not run op by op with a mixer is refused where no inventory is at hand", "[mixers]") {
  Json file = inference(short_convolutions, 1, 64, "flash");
  file["weights"] = "Q4_K_M";
  CHECK(issues_of(file).at("weights") == "unsupported");
}

TEST_CASE("fields of a mixer that do not fit together are named", "[mixers]") {
  Json config = scan;
  config["num_heads"] = 7;
  CHECK(issues_of(inference(config, 1, 64, "flash")).at("model.config.num_heads") == "not-divisible");
  config = with(delta, "linear_num_key_heads", 3);
  CHECK(issues_of(inference(config, 1, 64, "flash")).at("model.config.linear_num_value_heads") == "not-divisible");
  config = one_by_one;
  config["hybrid_override_pattern"] = "MX";
  CHECK(issues_of(inference(config, 1, 64, "flash")).at("model.config.hybrid_override_pattern") == "unknown-word");
  config = short_convolutions;
  config["layer_types"] = {"conv"};
  CHECK(issues_of(inference(config, 1, 64, "flash")).at("model.config.layer_types") == "wrong-length");
}

TEST_CASE("a product of many matrices keeps both operands, padding keeps nothing", "[machine]") {
  const double T = 4 * 128 * 64 * 4;
  const Shape each = {4, 128, 64}, out = {4, 128, 128};
  const auto product = trace([&](Bench& b) { return b.m.contract(b.hidden(each, fp32), b.hidden(each, fp32), out, "scores"); });
  CHECK(product.forward == 4 * T);
  CHECK(product.saved == 2 * T);
  CHECK(product.backward == 2 * T + 2 * T + 2 * T);
  const auto padded = trace([&](Bench& b) { return b.m.pad(b.hidden(each, fp32), out, "padded"); });
  CHECK(padded.forward == 3 * T);
  CHECK(padded.saved == 0);
  CHECK(padded.backward == 3 * T);
}
