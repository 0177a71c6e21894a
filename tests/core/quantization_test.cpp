#include <catch2/catch.hpp>

#include <map>

#include "json_document.hpp"
#include "quantization/checkpoint_quantization.hpp"
#include "quantization/gguf_model.hpp"
#include "quantization/gguf_types.hpp"
#include "quantization/program_tensors.hpp"
#include "quantization/stored_weights.hpp"
#include "architectures/architecture.hpp"

using namespace gpumem;

namespace {

constexpr const char* eight_billion = R"({"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
  "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "tie_word_embeddings": false})";
constexpr const char* seven_billion = R"({"model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
  "num_attention_heads": 32, "vocab_size": 32000, "tie_word_embeddings": false})";
constexpr const char* seventy_billion = R"({"model_type": "llama", "hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80,
  "num_attention_heads": 64, "num_key_value_heads": 8, "vocab_size": 32000, "tie_word_embeddings": false})";

StoredTensors tensors_of(const Document& config) {
  std::vector<Issue> issues;
  std::vector<Assumption> assumptions;
  Fields fields(&config, "config", issues);
  return program_tensors(read_model(fields, assumptions));
}

double file_bytes(const char* json, std::string_view mix, bool imatrix = false) {
  const Document config = test::json(json);
  StoragePlan plan;
  plan.mix = find_mix(mix);
  REQUIRE(plan.mix);
  plan.config = &config;
  plan.making.imatrix = imatrix;
  return in(bytes, stored_weights(tensors_of(config), plan).file);
}

double matrix_bytes(std::string_view format, double rows, double columns) {
  REQUIRE(find_format(format));
  return in(bytes, stored_bytes(Shape{rows, columns}, *find_format(format)));
}

/// How many matrices of a file have which type, as "name type".
std::map<std::string, int> type_counts(const StoredTensors& tensors, const Document& config, std::string_view mix, bool imatrix = false) {
  const GgufModel model = gguf_model(config);
  const std::vector<GgufTensor> file = gguf_tensors(tensors, model);
  const std::vector<const Format*> types = gguf_types(file, model, *find_mix(mix), {imatrix, false});
  std::map<std::string, int> counts;
  for (std::size_t i = 0; i < file.size(); ++i)
    if (!file[i].single) ++counts[std::string(file[i].name) + " " + std::string(types[i]->id)];
  return counts;
}

}  // namespace

TEST_CASE("a file's tensors have the published sizes in every type", "[quantization]") {
  // llama.cpp's quantiser on two models; metadata not counted
  struct Row {
    std::string_view type;
    double eight, seven;
  };
  const Row rows[] = {{"Q2_K", 3171295232, 2532122624},   {"Q3_K_S", 3656663040, 2947563520}, {"Q3_K_M", 4011081728, 3297263616},
                      {"Q3_K_L", 4314120192, 3596369920}, {"Q4_0", 4653375488, 3825065984},   {"Q4_K_S", 4684832768, 3855998976},
                      {"Q4_K_M", 4912898048, 4080263168}, {"Q5_K_S", 5591457792, 4650950656}, {"Q5_K_M", 5725151232, 4782415872},
                      {"Q6_K", 6588170240, 5528453120},   {"Q8_0", 8532934656, 7160348672}};
  for (const Row& row : rows) {
    INFO(row.type);
    CHECK(file_bytes(eight_billion, row.type) == row.eight);
    CHECK(file_bytes(seven_billion, row.type) == row.seven);
  }
}

TEST_CASE("an importance matrix changes which types a file gets", "[quantization]") {
  CHECK(file_bytes(eight_billion, "IQ4_XS", false) == 4476526592);
  CHECK(file_bytes(eight_billion, "IQ4_XS", true) == 4439826432);
}

TEST_CASE("types are chosen by place, by grouped heads and by the size class", "[quantization]") {
  const Document large = test::json(seventy_billion), small = test::json(eight_billion);
  auto counts = type_counts(tensors_of(large), large, "Q4_K_M");
  CHECK(counts["attn_v Q5_K"] == 40);   // where others have Q4_K
  CHECK(counts["attn_v Q6_K"] == 40);
  CHECK(counts["ffn_down Q6_K"] == 40);
  CHECK(counts["ffn_down Q4_K"] == 40);
  CHECK(counts["output Q6_K"] == 1);
  counts = type_counts(tensors_of(small), small, "IQ2_M", true);
  CHECK(counts["attn_v Q4_K"] == 32);
  CHECK(counts["attn_output IQ3_S"] == 32);
  CHECK(counts["ffn_down IQ3_S"] == 4);
  CHECK(counts["ffn_down IQ2_S"] == 28);
  CHECK(counts["token_embd IQ3_S"] == 1);
  CHECK(counts["output Q5_K"] == 1);
}

TEST_CASE("rows that a block does not divide fall back", "[quantization]") {
  CHECK(fitting_format(find_format("Q4_K"), 896)->id == "Q5_0");
  CHECK(fitting_format(find_format("Q6_K"), 896)->id == "Q8_0");
  CHECK(fitting_format(find_format("IQ2_XS"), 2880)->id == "IQ4_NL");
  CHECK(fitting_format(find_format("Q4_0"), 100)->id == "fp16");
  CHECK(fitting_format(find_format("Q4_K"), 4096)->id == "Q4_K");
}

TEST_CASE("a latent-attention model with experts is cut as its file is", "[quantization]") {
  const Document config = test::json(R"({"model_type": "deepseek_v3", "num_hidden_layers": 2, "hidden_size": 7168, "num_attention_heads": 128,
    "num_key_value_heads": 128, "n_routed_experts": 256, "qk_nope_head_dim": 128, "v_head_dim": 128})");
  const StoredTensors tensors = {{"model.embed_tokens.weight", {129280, 7168}},
                                 {"model.layers.0.self_attn.kv_b_proj.weight", {32768, 512}, 0},
                                 {"model.layers.0.mlp.down_proj.weight", {7168, 18432}, 0},
                                 {"model.layers.1.mlp.gate.weight", {256, 7168}, 1},
                                 {"model.layers.1.mlp.experts.gate_up_proj", {256, 4096, 7168}, 1},
                                 {"model.layers.1.mlp.experts.down_proj", {256, 7168, 2048}, 1},
                                 {"model.layers.1.mlp.shared_experts.down_proj.weight", {7168, 2048}, 1},
                                 {"lm_head.weight", {129280, 7168}}};
  auto counts = type_counts(tensors, config, "Q2_K");
  CHECK(counts["attn_k_b Q4_0"] == 1);   // rows of 128: the block of 256 does not fit
  CHECK(counts["attn_v_b Q2_K"] == 1);
  CHECK(counts["ffn_gate_exps Q2_K"] == 1);
  CHECK(counts["ffn_up_exps Q2_K"] == 1);
  CHECK(counts["ffn_down_exps Q3_K"] == 1);
  CHECK(counts["ffn_gate_inp fp32"] == 0);   // stays as it is, and is not among the matrices
  counts = type_counts(tensors, config, "MXFP4_MOE");
  CHECK(counts["ffn_down_exps MXFP4"] == 1);
  CHECK(counts["attn_k_b MXFP4"] == 1);
  CHECK(counts["output Q8_0"] == 1);
}

TEST_CASE("experts stored one by one are one tensor of a file", "[quantization]") {
  const Document config = test::json(R"({"model_type": "mixtral", "num_hidden_layers": 1, "hidden_size": 4096, "num_local_experts": 8,
    "num_attention_heads": 32, "num_key_value_heads": 8})");
  const StoredTensors tensors = {{"model.layers.0.block_sparse_moe.experts.*.w2.weight", {4096, 14336}, 0, 8},
                                 {"model.layers.0.self_attn.k_proj.weight", {1024, 4096}, 0},
                                 {"model.layers.0.self_attn.o_proj.weight", {4096, 4096}, 0}};
  auto counts = type_counts(tensors, config, "Q4_K_M");
  CHECK(counts["ffn_down Q6_K"] == 1);
  CHECK(counts["attn_k Q8_0"] == 1);
  CHECK(counts["attn_output Q5_K"] == 1);
}

TEST_CASE("a format's bytes are its blocks and what lies beside them", "[quantization]") {
  CHECK(matrix_bytes("Q4_K", 4096, 14336) == 4096 * 14336 / 256 * 144);
  CHECK(matrix_bytes("fp8-block", 1000, 300) == 1000 * 300 + 4 * 8 * 3);
  CHECK(matrix_bytes("fp8-channel", 1000, 300) == 1000 * 300 + 4 * 1000);
  CHECK(matrix_bytes("int8-row", 4096, 4096) == 4096 * 4096 + 4 * 4096);
  CHECK(matrix_bytes("nf4", 4096, 4096) == 4096 * 4096 / 2 + 4 * 4096 * 64 + 64);
  CHECK(matrix_bytes("nf4-dq", 4096, 4096) == 4096 * 4096 / 2 + 4096 * 64 + 4 * 1024 + 64 + 1028);
  CHECK(matrix_bytes("gptq-4-128", 4096, 4096) == 4096 * 4096 / 2 + 2.5 * 32 * 4096 + 4 * 4096);
  CHECK(matrix_bytes("gptq-4--1", 4096, 1024) == 4096 * 1024 / 2 + 2.5 * 4096 + 4 * 1024);
  CHECK(matrix_bytes("awq-4-128", 4096, 4096) == 4096 * 4096 / 2 + 2.5 * 32 * 4096);
  CHECK(matrix_bytes("hqq-3-64", 4096, 4096) == 6710888 + 4 * 4096 * 64);
  CHECK(matrix_bytes("mxfp4", 2880, 2880) == 2880 * 2880 / 2 + 2880 * 90);
  CHECK(matrix_bytes("nvfp4", 4096, 4096) == 4096 * 4096 / 2 + 4096 * 256 + 8);
  CHECK(matrix_bytes("exl3-4.0", 4096, 1024) == 4096 * 1024 / 2 + 2 * 4096 + 2 * 1024);
  CHECK(in(bytes, stored_bytes(Shape{64, 64}, *find_format("gptq-4-128"), bytes(512))) == 2048 + 512 + 512 + 512);
}

TEST_CASE("embeddings, head and norms stay in the format that is computed in", "[quantization]") {
  const double beside = 2.0 * (2 * 128256.0 * 4096 + 65 * 4096);
  const double linears = 32 * (4096.0 * 4096 * 2 + 1024.0 * 4096 * 2 + 3 * 4096.0 * 14336);
  CHECK(file_bytes(eight_billion, "fp8-channel") == beside + linears + 4 * 32 * (4096 * 3 + 1024 * 2 + 14336 * 2));
  CHECK(file_bytes(eight_billion, "nf4") == beside + linears / 2 + linears / 16 + 64 * 224);
  CHECK(file_bytes(eight_billion, "bf16") == beside + 2 * linears);
}

TEST_CASE("experts kept in one tensor are quantised by formats made for them only", "[quantization]") {
  const StoredTensors tensors = {{"model.layers.0.mlp.experts.gate_up_proj", {32, 2880, 5760}, 0},
                                 {"model.layers.0.mlp.experts.gate_up_proj_bias", {32, 5760}, 0},
                                 {"model.layers.0.mlp.router.weight", {32, 2880}, 0},
                                 {"model.layers.0.self_attn.q_proj.weight", {4096, 2880}, 0}};
  const auto stored = [&](std::string_view mix) {
    StoragePlan plan;
    plan.mix = find_mix(mix);
    return in(bytes, stored_weights(tensors, plan).file);
  };
  const double experts = 32.0 * 2880 * 5760, rest = 2.0 * (32 * 5760 + 32 * 2880), query = 4096.0 * 2880;
  CHECK(stored("mxfp4") == experts / 2 + experts / 32 + rest + 2 * query);
  CHECK(stored("nf4") == 2 * experts + rest + query / 2 + query / 16 + 64);
}

TEST_CASE("the config's own quantisation is read", "[quantization]") {
  const auto read = [](const char* config) { return checkpoint_quantization(test::json(config)).weights; };
  CHECK(read(R"({"quantization_config": {"quant_method": "mxfp4"}})") == "mxfp4");
  CHECK(read(R"({"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}})") == "fp8-block");
  CHECK(read(R"({"quantization_config": {"quant_method": "gptq", "bits": 8, "group_size": 32}})") == "gptq-8-32");
  CHECK(read(R"({"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128}})") == "awq-4-128");
  CHECK(read(R"({"quantization_config": {"load_in_4bit": true, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": true}})") == "nf4-dq");
  CHECK(read(R"({"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": true}})") == "int8");
  CHECK(read(R"({"quantization_config": {"quant_method": "compressed-tensors", "format": "pack-quantized",
                 "config_groups": {"group_0": {"weights": {"num_bits": 4, "type": "int", "group_size": 128}}}}})") == "w4a16-128");
  CHECK(read(R"({"quantization_config": {"quant_method": "compressed-tensors", "format": "float-quantized",
                 "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float", "strategy": "channel"}}}}})") == "fp8-channel");
  CHECK(read(R"({"quantization": {"group_size": 64, "bits": 4}})") == "mlx-4-64");
  CHECK(read(R"({"quantization_config": {"quant_method": "of tomorrow"}})").empty());
  CHECK(checkpoint_quantization(test::json(R"({"quantization_config": "odd"})")).method.empty());
}

TEST_CASE("modules a checkpoint left alone are not quantised", "[quantization]") {
  const Document config = test::json(seven_billion);
  const auto stored = [&](std::vector<std::string> left_alone) {
    StoragePlan plan;
    plan.mix = find_mix("fp8-channel");
    plan.left_alone = std::move(left_alone);
    return in(bytes, stored_weights(tensors_of(config), plan).file);
  };
  const double query = 4096.0 * 4096, scales = 4 * 4096;
  CHECK(stored({"model.layers.0.self_attn.q_proj"}) - stored({}) == query - scales);
  CHECK(stored({"model.layers.*.self_attn.q_proj"}) - stored({}) == 32 * (query - scales));
  CHECK(stored({"re:.*q_proj"}) - stored({}) == 32 * (query - scales));
  CHECK(stored({"lm_head", "proj"}) == stored({}));
}

TEST_CASE("a quantisation is found whatever its capitals, and never a wrong one", "[quantization]") {
  CHECK(find_mix("q4_k_m")->id == "Q4_K_M");
  CHECK(find_mix("NF4")->id == "nf4");
  CHECK(find_mix("bf16")->id == "bf16");
  CHECK(find_mix("BF16")->gguf);
  CHECK(find_mix("Q4_K_XXL") == nullptr);
  CHECK(find_mix("") == nullptr);
}
