// Highest moments of whole training steps, against measured sums of what is alive then.

#include <algorithm>

#include "support/hand_sums.hpp"
#include "training/optimizer.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

struct Step {
  std::unique_ptr<Machine> machine = std::make_unique<Machine>();

  Step(const Decoder& model, const TrainingPlan& plan) { run_training_step(*machine, model, plan, true); }

  [[nodiscard]] const Stretch& at(std::string_view phase, int layer) const {
    const auto& all = machine->memory.ledger.stretches();
    return *std::find_if(all.begin(), all.end(), [&](const Stretch& s) { return s.phase == phase && s.layer == layer; });
  }
  [[nodiscard]] double highest(std::string_view phase, int layer) const { return in(bytes, at(phase, layer).highest); }
  [[nodiscard]] double part(std::string_view phase, int layer, Component c) const { return in(bytes, at(phase, layer).parts[c]); }
};

TrainingPlan plan(const char* optimizer = "sgd") {
  TrainingPlan p;
  p.optimizer = find_optimizer(optimizer);
  p.micro_batch = 1;
  p.tokens = T;
  return p;
}

/// Weights, buffers, token ids and labels: there during the whole step.
double always(const Sizes& z, double layers, bool tied = false) { return 2 * of_model(z, layers, tied) + buffers + 16 * T; }

}  // namespace

TEST_CASE("the loss holds 10 bytes a logit and everything the layers kept", "[training]") {
  Sizes z = sizes;
  z.v = 8192;
  const Step step(decoder(config("llama", z, 3)), plan());
  const double kept = 3 * (T * plain(z) + random_states) + T * (8 * z.h + 4) + 4 * z.d * T;
  CHECK(step.part("loss", 3, Component::logits) >= 10 * T * z.v);
  CHECK(step.part("loss", 3, Component::logits) <= 10 * T * z.v + 8);   // the loss itself and its weight
  // labels are padded by one and shifted; the loss and its weight are one allocation each
  CHECK(step.highest("loss", 3) ==
        always(z, 3) + kept + 8 * T + 10 * T * z.v + rounded(8 * (T + 1)) + 8 * T + 2 * 512 - 8 * T);
  CHECK(step.part("loss", 3, Component::gradients) == 0);
}

TEST_CASE("the loss's backward holds 12 bytes a logit", "[training]") {
  Sizes z = sizes;
  z.v = 8192;
  const Step step(decoder(config("llama", z, 3)), plan());
  CHECK(step.part("backward", 3, Component::logits) == 12 * T * z.v);
  const double kept = 3 * (T * plain(z) + random_states) + T * (8 * z.h + 4) + 4 * z.d * T;
  CHECK(step.highest("backward", 3) == always(z, 3) + kept + 12 * T * z.v);
}

TEST_CASE("logits in fp32 take 8 bytes at the loss and 12 in its backward", "[training]") {
  Sizes z = sizes;
  z.v = 8192;
  TrainingPlan p = plan();
  p.weights = fp32;
  p.kernel = AttentionKernel::sdpa;
  p.tokens = 4 * T;
  const Step full(decoder(config("llama", z, 2)), p);
  CHECK(full.part("loss", 2, Component::logits) == Approx(8 * p.tokens * z.v).margin(8));
  CHECK(full.part("backward", 2, Component::logits) == 12 * p.tokens * z.v);
}

TEST_CASE("a soft cap on logits adds 2 bytes a logit, at the loss and in backward", "[training]") {
  Sizes z = sizes;
  z.v = 8192;
  const Step step(decoder(config("gemma2", z, 2)), plan());
  CHECK(step.part("loss", 2, Component::logits) == Approx(12 * T * z.v).margin(8));
  CHECK(step.part("backward", 2, Component::logits) == 14 * T * z.v);
}

TEST_CASE("under autocast all copies of weights are alive at the loss, with checkpointing too", "[training]") {
  TrainingPlan p = plan();
  p.weights = fp32;
  p.autocast = bf16;
  p.checkpointing = true;
  const Step mixed(decoder(config("llama", sizes, 4)), p);
  p.autocast = nullptr;
  p.kernel = AttentionKernel::sdpa;
  const Step full(decoder(config("llama", sizes, 4)), p);
  const double copies = 2 * (4 * matrices(sizes) + sizes.v * sizes.h);
  // logits take 10 bytes against 8; the head's input has a bf16 copy of its own
  const double more = mixed.highest("loss", 4) - full.highest("loss", 4);
  CHECK(more == copies + 2 * T * sizes.v + 2 * T * sizes.h);
}

TEST_CASE("under autocast only the head's copies are left when the loss runs backward", "[training]") {
  Sizes z = sizes;
  z.v = 8192;
  TrainingPlan p = plan();
  p.weights = fp32;
  p.autocast = bf16;
  p.checkpointing = true;
  p.tokens = 4 * T;
  const Step mixed(decoder(config("llama", z, 4)), p);
  p.autocast = nullptr;
  p.kernel = AttentionKernel::sdpa;
  const Step full(decoder(config("llama", z, 4)), p);
  // 12 bytes a logit in both; the head kept a bf16 copy of its weight, and of its input instead of the fp32 one
  CHECK(mixed.highest("backward", 4) - full.highest("backward", 4) == 2 * z.v * z.h - 2 * p.tokens * z.h);
}

TEST_CASE("at the end of backward all gradients are alive with the residual's", "[training]") {
  const Step step(decoder(config("llama", sizes, 3)), plan());
  CHECK(step.highest("backward", -1) == always(sizes, 3) + 2 * of_model(sizes, 3) + 2 * T * sizes.h);
  CHECK(step.part("backward", -1, Component::gradients) == 2 * of_model(sizes, 3));
}

TEST_CASE("a tied table has two gradients at the end of backward", "[training]") {
  const nlohmann::ordered_json tied = {{"tie_word_embeddings", true}};
  const double table = 2 * sizes.v * sizes.h;
  const Step step(decoder(config("llama", sizes, 3, tied)), plan());
  CHECK(step.highest("backward", -1) == always(sizes, 3, true) + 2 * of_model(sizes, 3, true) + table + 2 * T * sizes.h);
  TrainingPlan p = plan();
  p.optimizer_in_backward = true;
  const Step lean(decoder(config("llama", sizes, 3, tied)), p);
  CHECK(lean.highest("backward", -1) == always(sizes, 3, true) + 2 * table + 2 * T * sizes.h);
  CHECK(lean.part("backward", 1, Component::gradients) >= table);   // held through all of backward
}

TEST_CASE("with the optimizer in backward no gradient outlives its layer", "[training]") {
  TrainingPlan p = plan();
  p.optimizer_in_backward = true;
  const Step step(decoder(config("llama", sizes, 3)), p);
  CHECK(step.highest("backward", -1) == always(sizes, 3) + 2 * sizes.v * sizes.h + 2 * T * sizes.h);
  CHECK(step.highest("optimizer-step", 3) == always(sizes, 3));
}

TEST_CASE("gradients of earlier micro-batches are there from the start", "[training]") {
  TrainingPlan p = plan();
  p.accumulating = true;
  const Step step(decoder(config("llama", sizes, 3)), p);
  const Step single(decoder(config("llama", sizes, 3)), plan());
  const double gradients = 2 * of_model(sizes, 3);
  CHECK(step.highest("loss", 3) == single.highest("loss", 3) + gradients);
  // the embedding's new gradient exists beside the old one for a moment
  CHECK(step.highest("backward", -1) == always(sizes, 3) + gradients + 2 * sizes.v * sizes.h + 2 * T * sizes.h);
}

TEST_CASE("under full checkpointing a layer's worst moment is the backward of its gated product", "[training]") {
  // Inputs of the layers below and its own, all it keeps, 4f + 2h, gradients of all layers above, the last matrix's.
  TrainingPlan p = plan();
  p.checkpointing = true;
  Sizes z = sizes;
  z.d = 64;   // ad = h, as in most models
  const Step step(decoder(config("llama", z, 5)), p);
  for (const int layer : {0, 1, 2, 3, 4}) {
    CAPTURE(layer);
    const double inputs = (layer + 1) * 2 * T * z.h, tables = 4 * z.d * T;
    const double kept = T * plain(z) + random_states;
    const double above = 2 * ((4 - layer) * of_layer(z) + z.h + z.v * z.h) + 2 * z.h * z.f;
    CHECK(step.highest("backward", layer) == always(z, 5) + inputs + tables + kept + T * (4 * z.f + 2 * z.h) + above);
  }
}

TEST_CASE("an optimizer step holds all gradients and what its kind of loop needs", "[training]") {
  const double P = of_model(sizes, 3), tensors = 3 * 9 + 3;
  const auto step_bytes = [&](const char* optimizer, const char* kind) {
    TrainingPlan p = plan(optimizer);
    p.step = kind;
    const Step step(decoder(config("llama", sizes, 3)), p);
    return step.highest("optimizer-step", 3);
  };
  const double base = always(sizes, 3) + 2 * P;
  const double largest = 2 * std::max(sizes.h * sizes.f, sizes.v * sizes.h);
  CHECK(step_bytes("adamw", "fused") == base + 4 * P + 512 * tensors);   // a counter for each tensor
  CHECK(step_bytes("adamw", "foreach") == base + 4 * P + 2 * P);
  CHECK(step_bytes("adamw", "loop") == base + 4 * P + 3 * largest);   // the root of the matrix before, as large, is still there
  CHECK(step_bytes("nadam", "fused") == step_bytes("nadam", "foreach"));   // no fused step, counters on the processor
  CHECK(step_bytes("nadam", "foreach") == base + 4 * P + 2 * P);
  CHECK(step_bytes("rmsprop", "foreach") == base + 2 * P + 2 * P);
  CHECK(step_bytes("adagrad", "foreach") == base + 2 * P + 4 * P);   // roots, and gradients times the rate
  CHECK(step_bytes("adagrad", "fused") == base + 2 * P + 512 * tensors);
  CHECK(step_bytes("lion", "loop") == base + 2 * P + 2 * largest);
  for (const char* kind : {"fused", "foreach", "loop"}) {
    CHECK(step_bytes("sgd", kind) == base);
    CHECK(step_bytes("sgd-momentum", kind) == base + 2 * P);
  }
}
