// Steps on images and text. Peaks are those that transformers 5.24's classes allocate, run on tensors without contents; what is
// refused is among the golden cases.

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include "architectures/image_readers.hpp"
#include "json_document.hpp"
#include "training/optimizer.hpp"
#include "training/step.hpp"

using namespace gpumem;
using test::json;

namespace {

constexpr const char* llava = R"({"model_type": "llava", "vision_config": {"model_type": "clip_vision_model", "hidden_size": 64, "intermediate_size": 256,
  "num_hidden_layers": 3, "num_attention_heads": 4, "image_size": 56, "patch_size": 14}, "text_config": {"model_type": "llama", "vocab_size": 1000,
  "hidden_size": 128, "intermediate_size": 320, "num_hidden_layers": 3, "num_attention_heads": 8, "num_key_value_heads": 4}})";

struct Peaks {
  double forward = 0, backward = 0;
};

/// Two sequences of 64 tokens, an image of 16 in each, all in bf16.
Peaks step(ImageReader::Trained trained) {
  const Document document = json(llava);
  std::vector<Issue> issues;
  std::vector<Assumption> assumptions;
  Fields fields(&document, "", issues);
  SeeingModel model = read_seeing_model(fields, {}, assumptions);
  REQUIRE(issues.empty());
  model.images.trained = trained;
  TrainingPlan plan;
  plan.optimizer = find_optimizer("adamw");
  plan.micro_batch = plan.images = 2;
  plan.tokens = 64;
  plan.reader = &model.images;
  Machine m;
  run_training_step(m, model.text, plan);
  Peaks peaks;
  for (const Stretch& s : m.memory.ledger.stretches()) {
    if (s.phase == "forward") peaks.forward = std::max(peaks.forward, in(bytes, s.highest));
    if (s.phase == "backward") peaks.backward = std::max(peaks.backward, in(bytes, s.highest));
  }
  return peaks;
}

}  // namespace

TEST_CASE("what is frozen of a tower leaves nothing for backward, what is trained does", "[images]") {
  const Peaks frozen = step(ImageReader::Trained::nothing), projector = step(ImageReader::Trained::projector), whole = step(ImageReader::Trained::all);
  CHECK(frozen.forward == 7633408);
  CHECK(std::abs(frozen.backward - 8897024) <= 1024);
  CHECK(projector.forward == 7756288);
  CHECK(std::abs(projector.backward - 9019904) <= 1024);
  CHECK(std::abs(whole.forward - 8846336) <= 1024);
  CHECK(std::abs(whole.backward - 10021376) <= 1024);
}
