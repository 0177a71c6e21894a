// Steps on images and text. Peaks are those that transformers 5.24's classes allocate, run on tensors without contents.

#include "support/models.hpp"
#include "support/scenarios.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

Json trained_llava(const Json& more) {
  const Json vision = {{"model_type", "clip_vision_model"}, {"hidden_size", 64}, {"intermediate_size", 256}, {"num_hidden_layers", 3}, {"num_attention_heads", 4},
                       {"image_size", 56}, {"patch_size", 14}};
  const Json text = {{"model_type", "llama"}, {"vocab_size", 1000}, {"hidden_size", 128}, {"intermediate_size", 320}, {"num_hidden_layers", 3},
                     {"num_attention_heads", 8}, {"num_key_value_heads", 4}, {"max_position_embeddings", 512}};
  Json training = {{"method", "full"}, {"precision", "bf16"}, {"optimizer", "adamw"}, {"microBatch", 2}, {"sequenceTokens", 64}, {"attention", "flash"}, {"images", 1}};
  training.update(more);
  const Json config = {{"model_type", "llava"}, {"vision_config", vision}, {"text_config", text}};
  Json request = {{"model", {{"config", config}}}, {"task", "training"}, {"weights", "bf16"}};
  request["training"] = training;
  return estimated(request);
}

}  // namespace

/// Transformers 5.24's own class: what is frozen leaves nothing for backward, what is trained does.
TEST_CASE("a step on images and text peaks where the class does", "[images]") {
  const Json frozen = trained_llava(Json::object()), projector = trained_llava({{"vision", "projector"}}), whole = trained_llava({{"vision", "trained"}});
  CHECK(highest(frozen, "forward") == 7633408);
  CHECK(std::abs(highest(frozen, "backward") - 8897024) <= 1024);
  CHECK(frozen["parameters"]["trainable"] < projector["parameters"]["trainable"]);
  CHECK(std::abs(highest(projector, "backward") - 9019904) <= 1024);
  CHECK(whole["parameters"]["trainable"] == whole["parameters"]["total"]);
  CHECK(std::abs(highest(whole, "backward") - 10021376) <= 1024);
  const Json lora = trained_llava({{"method", "lora"}, {"lora", {{"rank", 8}, {"targets", {"q_proj", "v_proj"}}}}});
  CHECK(highest(lora, "forward") == 4337152);
}

TEST_CASE("images that a step cannot read are issues", "[images]") {
  CHECK(trained_llava({{"sequenceTokens", 12}})["ok"] == false);   // an image takes 16
  CHECK(trained_llava({{"method", "qlora"}})["ok"] == false);
  CHECK(trained_llava({{"method", "lora"}, {"vision", "trained"}})["ok"] == false);
  CHECK(trained_llava({{"checkpointing", "selective"}})["ok"] == false);
}
