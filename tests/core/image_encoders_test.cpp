// Encoders of images and of texts beside them, nets of convolutions, and decoders whose code is not transformers' own.
// Peaks are those that transformers 5.23's classes allocate, run on tensors without contents.

#include "support/models.hpp"
#include "support/scenarios.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

Json counted(const Json& config, const Json& more = Json::object()) {
  Json request = {{"model", {{"config", config}}}, {"task", "inference"}, {"weights", "bf16"}};
  request.update(more);
  const Json answer = estimated(request);
  REQUIRE(answer["ok"] == true);
  return answer;
}

double parameters(const Json& config) { return counted(config)["parameters"]["total"]; }

Json small(const Json& more) {
  Json config = {{"hidden_size", 128}, {"intermediate_size", 512}, {"num_hidden_layers", 3}, {"num_attention_heads", 4}};
  config.update(more);
  return config;
}

Json small_images(const char* type) { return small({{"model_type", type}, {"image_size", 64}, {"patch_size", 8}}); }

Json small_clip() {
  Json text = {{"hidden_size", 64}, {"intermediate_size", 256}, {"num_hidden_layers", 2}, {"num_attention_heads", 4}};
  text.update({{"vocab_size", 1000}, {"max_position_embeddings", 64}});
  return {{"model_type", "clip"}, {"projection_dim", 96}, {"vision_config", small_images("clip_vision_model")}, {"text_config", text}};
}

}  // namespace

TEST_CASE("encoders of images have the parameters that are published", "[images]") {
  CHECK(parameters({{"model_type", "clip"}}) == 151277313);
  CHECK(parameters({{"model_type", "clip_vision_model"}, {"hidden_size", 1024}, {"intermediate_size", 4096}, {"num_hidden_layers", 24},
                    {"num_attention_heads", 16}, {"patch_size", 14}}) == 303179776);
  CHECK(parameters({{"model_type", "siglip"}}) == 203155970);
  CHECK(parameters({{"model_type", "resnet"}, {"architectures", {"ResNetForImageClassification"}}, {"num_labels", 1000}}) == 25557032);
}

TEST_CASE("a pass of an encoder of images peaks where its class does", "[images]") {
  const Json clip = counted(small_images("clip_vision_model"), {{"inference", {{"images", 4}, {"attention", "eager"}}}});
  CHECK(highest(clip, "forward") == 2565120);
  const Json siglip = counted(small_images("siglip_vision_model"), {{"inference", {{"images", 4}, {"attention", "sdpa"}}}});
  CHECK(highest(siglip, "forward") == 2546688);
}

TEST_CASE("training on pairs of images and texts peaks where the class does, but for the loss's own few bytes", "[images]") {
  Json training = {{"method", "full"}, {"precision", "bf16"}, {"optimizer", "adamw"}, {"microBatch", 8}, {"sequenceTokens", 64}, {"attention", "eager"}};
  const Json answer = counted(small_clip(), {{"task", "training"}, {"training", training}});
  CHECK(std::abs(highest(answer, "forward") - 20334592) <= 1024);
  CHECK(std::abs(highest(answer, "backward") - 20768768) <= 1024);
}

TEST_CASE("two encoders side by side write no answer and keep no cache", "[images]") {
  CHECK(counted(small_clip())["kvCache"]["bytes"] == 0);
}

TEST_CASE("images of a net of convolutions have the size that is asked for", "[images]") {
  const Json config = {{"model_type", "resnet"}};
  const double usual = highest(counted(config), "forward");
  CHECK(highest(counted(config, {{"inference", {{"imageSize", {448, 448}}}}}), "forward") > 1.3 * usual);
  CHECK(issues_of({{"model", {{"config", config}}}, {"inference", {{"imageSize", {448, 224}}}}}).contains("inference.imageSize"));
  CHECK(issues_of({{"model", {{"config", {{"model_type", "resnet"}, {"depths", {3, 4}}}}}}}).contains("model.config.depths"));
}

TEST_CASE("one key for all queries is stretched, not copied", "[images]") {
  const Json config = {{"model_type", "gpt_bigcode"}, {"n_embd", 256}, {"n_layer", 3}, {"n_head", 4}, {"n_positions", 512}, {"vocab_size", 1024}};
  const Json generation = {{"sequences", 2}, {"promptTokens", 260}, {"contextTokens", 263}, {"attention", "sdpa"}};
  const Json answer = counted(config, {{"inference", generation}});
  CHECK(highest(answer, "prefill") == 9197568);
  CHECK(highest(answer, "decode") == 5679616);
}

TEST_CASE("families whose code comes with their checkpoints have the parameters that are published", "[remote]") {
  CHECK(parameters({{"model_type", "exaone"}, {"head_dim", 128}, {"hidden_size", 4096}, {"intermediate_size", 14336}, {"num_layers", 32},
                    {"num_attention_heads", 32}, {"num_key_value_heads", 8}, {"vocab_size", 102400}}) == 7818448896);
  CHECK(parameters({{"model_type", "deepseek"}, {"first_k_dense_replace", 1}, {"hidden_size", 2048}, {"intermediate_size", 10944},
                    {"moe_intermediate_size", 1408}, {"n_routed_experts", 64}, {"n_shared_experts", 2}, {"num_attention_heads", 16},
                    {"num_experts_per_tok", 6}, {"num_hidden_layers", 28}}) == 16375728128);
  CHECK(parameters({{"model_type", "chatglm"}, {"add_qkv_bias", true}, {"multi_query_attention", true}, {"multi_query_group_num", 2}}) == 6243584000);
  CHECK(parameters({{"model_type", "qwen"}}) == 7721324544);
}

TEST_CASE("a layer may leave out attention, its MLP or both", "[remote]") {
  const Json attends = {{"n_heads_in_group", 2}}, feeds = {{"ffn_mult", 1.5}}, nothing = {{"no_op", true}};
  Json config = {{"model_type", "nemotron-nas"}, {"hidden_size", 256}, {"num_attention_heads", 4}, {"num_hidden_layers", 4}, {"vocab_size", 100}};
  config["block_configs"] = {{{"attention", attends}, {"ffn", feeds}}, {{"attention", nothing}, {"ffn", feeds}},
                             {{"attention", attends}, {"ffn", nothing}}, {{"attention", nothing}, {"ffn", nothing}}};
  // Two tables, five norms; queries and outputs of 4 heads, keys and values of 2; MLPs of 2 · 1.5 · 256 / 3 = 256.
  CHECK(parameters(config) == 2 * 100 * 256 + 5 * 256 + 2 * (2 * 256 * 256 + 2 * 256 * 128) + 2 * 3 * 256 * 256);
  CHECK(counted(config)["kvCache"]["bytesPerToken"] == 2 * 2 * 2 * 64 * 2);
}
