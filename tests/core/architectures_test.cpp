// From the fields of a config to a model: parameter counts that are known to the last one, and what is refused.

#include "support/scenarios.hpp"

using namespace gpumem::test;

namespace {

double parameters(const Json& config) {
  const Json answer = estimated({{"model", {{"config", config}}}, {"inference", {{"contextTokens", 16}}}, {"detail", "summary"}});
  CAPTURE(answer.dump());
  REQUIRE(answer["ok"] == true);
  return answer["parameters"]["total"].get<double>();
}

std::map<std::string, std::string> issues_with(const Json& changes) {
  Json config = small_config();
  config.update(changes);
  return issues_of({{"model", {{"config", config}}}});
}

using Codes = std::map<std::string, std::string>;

}  // namespace

TEST_CASE("gated decoders have the parameters that are published", "[architectures]") {
  CHECK(parameters({{"model_type", "llama"}, {"hidden_size", 4096}, {"intermediate_size", 14336}, {"num_hidden_layers", 32},
                    {"num_attention_heads", 32}, {"num_key_value_heads", 8}, {"vocab_size", 128256}}) == 8030261248);
  CHECK(parameters({{"model_type", "llama"}, {"hidden_size", 2048}, {"intermediate_size", 8192}, {"num_hidden_layers", 16},
                    {"num_attention_heads", 32}, {"num_key_value_heads", 8}, {"vocab_size", 128256},
                    {"tie_word_embeddings", true}}) == 1235814400);
  CHECK(parameters({{"model_type", "mistral"}}) == 7241732096);
  CHECK(parameters({{"model_type", "qwen2"}, {"hidden_size", 896}, {"intermediate_size", 4864}, {"num_hidden_layers", 24},
                    {"num_attention_heads", 14}, {"num_key_value_heads", 2}, {"tie_word_embeddings", true}}) == 494032768);
  CHECK(parameters({{"model_type", "qwen3"}, {"intermediate_size", 12288}, {"num_hidden_layers", 36}, {"num_key_value_heads", 8}}) ==
        8190735360);
  CHECK(parameters({{"model_type", "phi3"}}) == 3821079552);
}

TEST_CASE("decoders with norms of one plus the weight have the parameters that are published", "[architectures]") {
  CHECK(parameters({{"model_type", "gemma"}}) == 8537680896);
  CHECK(parameters({{"model_type", "gemma2"}}) == 2614341888);
  CHECK(parameters({{"model_type", "gemma3_text"}, {"hidden_size", 1152}, {"intermediate_size", 6912}, {"num_attention_heads", 4},
                    {"num_key_value_heads", 1}, {"vocab_size", 262144}}) == 999885952);
}

TEST_CASE("decoders with LayerNorm have the parameters that are published", "[architectures]") {
  CHECK(parameters({{"model_type", "gpt2"}}) == 124439808);
  CHECK(parameters({{"model_type", "gpt2"}, {"n_embd", 1600}, {"n_layer", 48}, {"n_head", 25}}) == 1557611200);
  CHECK(parameters({{"model_type", "gpt_neox"}}) == 20554567680);
  CHECK(parameters({{"model_type", "opt"}, {"hidden_size", 4096}, {"ffn_dim", 16384}, {"num_hidden_layers", 32},
                    {"num_attention_heads", 32}, {"word_embed_proj_dim", 4096}}) == 6658473984);
}

TEST_CASE("a type nobody has heard of is counted as a plain decoder if it looks like one", "[architectures]") {
  Json config = small_config();
  const double known = parameters(config);
  config["model_type"] = "never-seen";
  const Json answer = estimated({{"model", {{"config", config}}}});
  REQUIRE(answer["ok"] == true);
  CHECK(answer["parameters"]["total"] == known);
  CHECK(answer["assumptions"][0]["id"] == "unlisted-architecture");
  config["num_experts"] = 8;   // more than a plain decoder
  CHECK(issues_of({{"model", {{"config", config}}}}) == Codes{{"model.config.model_type", "unsupported"}});
  config.erase("model_type");
  CHECK(issues_of({{"model", {{"config", config}}}}) == Codes{{"model.config.model_type", "missing"}});
}

TEST_CASE("fields of a config that cannot be are issues, all of them", "[architectures]") {
  CHECK(issues_with({{"hidden_size", "wide"}, {"num_hidden_layers", -3}, {"vocab_size", 1.5}, {"intermediate_size", 0},
                     {"num_attention_heads", NAN}, {"num_key_value_heads", nullptr}, {"max_position_embeddings", 1e300},
                     {"tie_word_embeddings", 1}, {"hidden_act", "wobble"}}) ==
        Codes{{"model.config.hidden_size", "wrong-type"},
              {"model.config.num_hidden_layers", "out-of-range"},
              {"model.config.vocab_size", "not-whole"},
              {"model.config.intermediate_size", "out-of-range"},
              {"model.config.num_attention_heads", "not-finite"},
              {"model.config.max_position_embeddings", "out-of-range"},
              {"model.config.tie_word_embeddings", "wrong-type"},
              {"model.config.hidden_act", "unknown-word"}});
}

TEST_CASE("heads have to divide what they share", "[architectures]") {
  CHECK(issues_with({{"num_key_value_heads", 3}}) == Codes{{"model.config.num_key_value_heads", "not-divisible"}});
  CHECK(issues_with({{"num_attention_heads", 6}}) == Codes{{"model.config.num_attention_heads", "not-divisible"}});
  CHECK(issues_with({{"num_attention_heads", 6}, {"head_dim", 40}}).empty());
}

TEST_CASE("a list of layer types has to name every layer", "[architectures]") {
  CHECK(issues_with({{"model_type", "gemma2"}, {"layer_types", {"sliding_attention"}}}) ==
        Codes{{"model.config.layer_types", "wrong-length"}});
  CHECK(issues_with({{"model_type", "gemma2"}, {"layer_types", {"sliding_attention", "full_attention"}}}).empty());
}

TEST_CASE("a config that is no record is an issue", "[architectures]") {
  for (const Json& config : {Json("text"), Json(3), Json::array(), Json(true)}) {
    CAPTURE(config.dump());
    CHECK(issues_of({{"model", {{"config", config}}}}) == Codes{{"model.config", "wrong-type"}});
  }
}

const Json two_kinds_of_heads = {{"model_type", "gemma4_text"}, {"vocab_size", 512}, {"hidden_size", 128}, {"intermediate_size", 256}, {"num_hidden_layers", 4},
                                 {"num_attention_heads", 4}, {"num_key_value_heads", 2}, {"head_dim", 32}, {"global_head_dim", 64},
                                 {"num_global_key_value_heads", 1}, {"attention_k_eq_v", true}, {"hidden_size_per_layer_input", 0}, {"sliding_window", 64},
                                 {"layer_types", {"sliding_attention", "sliding_attention", "full_attention", "full_attention"}}};

TEST_CASE("layers that see everything may have heads of their own size, and take keys as values", "[architectures]") {
  const double feed = 3 * 256 * 128 + 4 * 128, windowed = 4 * 32 * 128 + 2 * 2 * 32 * 128 + 4 * 32 * 128 + 2 * 32;
  const double whole = 4 * 64 * 128 + 64 * 128 + 4 * 64 * 128 + 2 * 64;
  CHECK(parameters(two_kinds_of_heads) == 512 * 128 + 2 * (windowed + feed) + 2 * (whole + feed) + 128);
}

TEST_CASE("what no program runs is refused where no inventory is at hand", "[architectures]") {
  CHECK(issues_of({{"model", {{"config", {{"model_type", "pegasus"}, {"architectures", {"PegasusForCausalLM"}}}}}}}).at("model.config.model_type") == "unsupported");
}

TEST_CASE("keys and values are borrowed of layers of the same kind alone", "[architectures]") {
  Json config = two_kinds_of_heads;
  config["num_kv_shared_layers"] = 2;
  CHECK(issues_of({{"model", {{"config", config}}}}).at("model.config.num_kv_shared_layers") == "contradiction");
}

TEST_CASE("experts in tall matrices are counted like any", "[architectures]") {
  CHECK(parameters({{"model_type", "dbrx"}, {"vocab_size", 512}, {"d_model", 128}, {"n_heads", 4}, {"n_layers", 2},
                    {"attn_config", {{"kv_n_heads", 2}, {"clip_qkv", 8}}},
                    {"ffn_config", {{"hidden_size", 128}, {"ffn_hidden_size", 64}, {"moe_num_experts", 8}, {"moe_top_k", 2}}}}) ==
        2 * 512 * 128 + 2 * (256 * 128 + 128 * 128 + 8 * 3 * 64 * 128 + 8 * 128 + 2 * 128) + 128);
}
