// Encoders of samples of sound, and nets of images whose stages have widths of their own. Peaks are those that
// transformers 5.24's classes allocate, run on tensors without contents.

#include "support/models.hpp"
#include "support/scenarios.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

Json counted(const Json& config, const Json& more = Json::object()) {
  Json request = {{"model", {{"config", config}}}, {"task", "inference"}, {"weights", "bf16"}};
  request.update(more);
  return estimated(request);
}

Json trained(const Json& config, const Json& more) {
  Json training = {{"method", "full"}, {"precision", "bf16"}, {"optimizer", "adamw"}, {"microBatch", 2}, {"attention", "eager"}};
  training.update(more);
  return counted(config, {{"task", "training"}, {"training", training}});
}

Json small_wave(const char* type, const char* name) {
  Json config = {{"model_type", type}, {"architectures", {name}}, {"hidden_size", 96}, {"intermediate_size", 192}, {"num_hidden_layers", 3}, {"num_attention_heads", 4}};
  config.update({{"conv_dim", {64, 64, 64}}, {"conv_kernel", {10, 3, 2}}, {"conv_stride", {5, 2, 2}}, {"num_conv_pos_embedding_groups", 4}});
  config.update({{"num_conv_pos_embeddings", 16}, {"vocab_size", 32}, {"mask_time_prob", 0}});
  return config;
}

Json small_convnext() {
  return {{"model_type", "convnext"}, {"architectures", {"ConvNextForImageClassification"}}, {"depths", {2, 3, 2}}, {"hidden_sizes", {32, 64, 128}},
          {"image_size", 64}, {"num_labels", 10}};
}

Json small_swin() {
  return {{"model_type", "swin"}, {"architectures", {"SwinForImageClassification"}}, {"depths", {2, 3}}, {"num_heads", {2, 4}}, {"embed_dim", 32},
          {"image_size", 56}, {"patch_size", 2}, {"num_labels", 10}};
}

bool refuses(const Json& answer, const char* code) {
  if (answer["ok"] == true) return false;
  for (const Json& issue : answer["issues"])
    if (issue["code"] == code) return true;
  return false;
}

}  // namespace

TEST_CASE("nets of sound and of stages have the parameters that are published", "[staged]") {
  CHECK(counted({{"model_type", "wav2vec2"}, {"architectures", {"Wav2Vec2ForCTC"}}})["parameters"]["total"] == 94396320);
  CHECK(counted({{"model_type", "hubert"}, {"architectures", {"HubertModel"}}})["parameters"]["total"] == 94371712);
  CHECK(counted({{"model_type", "swin"}, {"architectures", {"SwinForImageClassification"}}, {"num_labels", 1000}})["parameters"]["total"] == 28288354);
  CHECK(counted({{"model_type", "convnext"}, {"architectures", {"ConvNextForImageClassification"}}, {"num_labels", 1000}})["parameters"]["total"] == 28589128);
}

TEST_CASE("a pass over sound peaks where its class does", "[staged]") {
  const Json read = {{"inference", {{"sequences", 2}, {"contextTokens", 199}, {"attention", "flash"}}}};
  CHECK(highest(counted(small_wave("wav2vec2", "Wav2Vec2ForCTC"), read), "forward") == 1279488);
  CHECK(highest(counted(small_wave("hubert", "HubertForCTC"), read), "forward") == 1279488);
}

/// 199 rows by convolutions of 10, 3 and 2 by steps of 5, 2 and 2: ((199 - 1) 2 + 2 - 1) 2 + 3 = 797, (797 - 1) 5 + 10 = 3990.
TEST_CASE("so many rows are made of the fewest samples that make them", "[staged]") {
  WaveLayers w;
  for (const WaveLayers::Step& step : {WaveLayers::Step{64, 10, 5}, WaveLayers::Step{64, 3, 2}, WaveLayers::Step{64, 2, 2}}) w.steps.push_back(step);
  CHECK(w.samples(199) == 3990);
  CHECK(w.samples(1) == 10 + (3 + (2 - 1) * 2 - 1) * 5);
}

TEST_CASE("training on sound peaks where the class does, but for the loss's own few bytes", "[staged]") {
  const Json answer = trained(small_wave("wav2vec2", "Wav2Vec2ForCTC"), {{"sequenceTokens", 199}});
  CHECK(highest(answer, "forward") == 12143104);
  CHECK(std::abs(highest(answer, "backward") - 12662272) <= 1024);
  const Json again = trained(small_wave("wav2vec2", "Wav2Vec2ForCTC"), {{"sequenceTokens", 199}, {"checkpointing", "full"}});
  CHECK(highest(again, "forward") == 4727296);
  CHECK(std::abs(highest(again, "backward") - 5810176) <= 1024);
}

TEST_CASE("nets of stages peak where their classes do", "[staged]") {
  const Json eager = {{"inference", {{"sequences", 2}, {"attention", "eager"}}}};
  CHECK(highest(counted(small_convnext(), eager), "forward") == 1299456);
  CHECK(highest(counted(small_swin(), eager), "forward") == 3631104);
  const Json convnext = trained(small_convnext(), Json::object()), swin = trained(small_swin(), Json::object());
  CHECK(highest(convnext, "forward") == 4600832);
  CHECK(std::abs(highest(convnext, "backward") - 5096960) <= 1024);
  CHECK(highest(swin, "forward") == 10882560);
  CHECK(std::abs(highest(swin, "backward") - 10919936) <= 1024);
}

TEST_CASE("what the classes cannot do, or is not computed, is refused", "[staged]") {
  CHECK(refuses(trained(small_convnext(), {{"checkpointing", "full"}}), "unsupported"));
  CHECK(refuses(trained(small_swin(), {{"checkpointing", "full"}}), "unsupported"));
  Json small = small_swin();
  small["image_size"] = 24;   // a last stage of 6 by 6 has no window of 7
  CHECK(refuses(counted(small), "contradiction"));
  Json uneven = small_wave("wav2vec2", "Wav2Vec2ForCTC");
  uneven["conv_stride"] = {5, 2};
  CHECK(refuses(counted(uneven), "wrong-length"));
}
