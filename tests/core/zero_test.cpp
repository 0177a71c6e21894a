// DeepSpeed's ZeRO: small models whose phases DeepSpeed 0.19.8 was asked for, one rank of four on tensors of the processor
// with collectives that do nothing (Source: [deepspeed]), in the fourth step; what stage 3 gathers, worked by hand.

#include "placement/zero_gathering.hpp"
#include "support/bench.hpp"
#include "support/scenarios.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

/// 4,310,784 parameters.
const Json model = {{"model_type", "llama"}, {"hidden_size", 256}, {"num_hidden_layers", 3}, {"num_attention_heads", 4},
                    {"num_key_value_heads", 2}, {"intermediate_size", 704}, {"vocab_size", 4096}, {"tie_word_embeddings", false}, {"head_dim", 64}};
constexpr double parameters = 4310784, ranks = 4;

Json training(int stage, const Json& options, int accumulation = 1) {
  Json zero = options;
  zero["stage"] = stage;
  return {{"model", {{"config", model}}}, {"task", "training"}, {"engine", {{"name", "deepspeed"}, {"options", {{"zero_optimization", zero}}}}},
          {"training", {{"precision", "bf16"}, {"microBatch", 1}, {"sequenceTokens", 64}, {"attention", "eager"}, {"gradientAccumulation", accumulation}}},
          {"parallel", {{"data", ranks}}}};
}

double part(const Json& answer, const char* id, std::size_t device = 0) {
  for (const Json& c : answer["devices"][device]["components"])
    if (c["id"] == id) return c["bytes"];
  return 0;
}

}  // namespace

TEST_CASE("Of fp32 weights and states each rank has its share, in stages 1 and 2 beside all weights") {
  for (const int stage : {1, 2}) {
    const Json answer = estimated(training(stage, Json::object()));
    CHECK(part(answer, "weights") == parameters * 2);
    CHECK(part(answer, "optimizer-states") == parameters / ranks * 12 + 4);   // fused AdamW's counter
    CHECK(answer["devices"][0]["count"] == ranks);
  }
}

TEST_CASE("In stage 3 weights are shared as well, but for small ones") {
  const Json answer = estimated(training(3, {{"stage3_param_persistence_threshold", 1000}}));
  const double norms = 7 * 256;
  CHECK(part(answer, "weights") == (parameters / ranks + norms) * 2);
  CHECK(part(answer, "gradients") >= parameters / ranks * 2);
}

/// Tensors that were measured one by one are each rounded, and there are scalars.
constexpr double apart = 10 * 512;

TEST_CASE("Phases of the last rank under ZeRO 2 are those that DeepSpeed was measured to have") {
  check_phases(training(2, {{"reduce_bucket_size", 200000}}), {24788992, 26888192, 29191168, 32408064}, apart);
  check_phases(training(2, {{"reduce_bucket_size", 2000000}}), {24788992, 26888192, 32707072, 32408064}, apart);
  check_phases(training(2, {{"reduce_bucket_size", 2000000}}, 2), {27248128, 29347328, 35166208, 32408064}, apart);
  check_phases(training(2, {{"reduce_bucket_size", 200000}, {"overlap_comm", true}}), {24788992, 26888192, 29591552, 32408064}, apart);
}

TEST_CASE("Phases of the first rank under ZeRO 1 are those that DeepSpeed was measured to have") {
  check_phases(training(1, {{"reduce_bucket_size", 200000}}), {24788992, 26888192, 32809472, 32175104}, apart);
  check_phases(training(1, {{"reduce_bucket_size", 200000}}, 2), {33810944, 35910144, 36434432, 32175104}, apart);
}

TEST_CASE("Phases under ZeRO 3 are those that DeepSpeed was measured to have, forward within three per cent") {
  const auto check = [](const Json& request, const std::vector<double>& measured) {
    const Json answer = estimated(request);
    CHECK(std::abs(highest(answer, "forward") / measured[0] - 1) < 0.03);   // when what arrived is taken apart is known by layer
    const char* const names[] = {"loss", "backward", "optimizer-step"};
    for (std::size_t i = 0; i < std::size(names); ++i) CHECK(std::abs(highest(answer, names[i]) - measured[i + 1]) <= 10 * 512);
  };
  const Json small = {{"reduce_bucket_size", 200000}, {"stage3_prefetch_bucket_size", 100000}, {"stage3_param_persistence_threshold", 1000},
                      {"stage3_max_reuse_distance", 300000}, {"stage3_max_live_parameters", 1000000}};
  check(training(3, small), {23775232, 25079296, 25603584, 24116224});
  check(training(3, {{"reduce_bucket_size", 200000}, {"stage3_param_persistence_threshold", 1000}}), {37734912, 31600128, 32124416, 24116224});
  Json checkpointed = training(3, small);
  checkpointed["training"]["checkpointing"] = "full";
  const Json answer = estimated(checkpointed);
  CHECK(std::abs(highest(answer, "backward") / 23151616 - 1) < 0.01);
  CHECK(std::abs(highest(answer, "loss") - 22627328) <= 10 * 512);
}

TEST_CASE("A step under ZeRO 2 widens gradients for their norm, then all of its part") {
  // Weights whole, 12 B of each number in the share; gradients of the parameters that the last share touches: the head, the
  // last norm, the last layer's norms and its down projection, which the share begins in (2 B each); the head's in fp64.
  const double held = parameters * 2 + parameters / ranks * 12 + 30 * 4, gradients = (4096 * 256 + 3 * 256 + 704 * 256) * 2.0;
  const double step = highest(estimated(training(2, {{"reduce_bucket_size", 1000}})), "optimizer-step");
  CHECK(std::abs(step - (held + gradients + 4096 * 256 * 8)) < 16 * 512);
  // DeepSpeed's estimate_zero2_model_states_mem_needs says 2 B, and 18 in the share: no norm, and gradients of the share alone.
  const double theirs = parameters * 2 + parameters / ranks * 18;
  CHECK(theirs < step);
  CHECK(step - theirs < gradients + 4096 * 256 * 8);
}

TEST_CASE("An optimizer on the processor leaves weights and buckets on the device") {
  Json request = training(2, {{"reduce_bucket_size", 200000}, {"offload_optimizer", {{"device", "cpu"}, {"pin_memory", false}}}});
  const Json answer = estimated(request);
  CHECK(part(answer, "optimizer-states") == 0);
  REQUIRE(answer["devices"].size() == 2);
  CHECK(answer["devices"][1]["role"] == "host");
  CHECK(answer["devices"][1]["count"] == ranks);
  CHECK(part(answer, "optimizer-states", 1) == parameters / ranks * 12 + 4);
  CHECK(part(answer, "gradients", 1) == parameters / ranks * 4);
  CHECK(part(answer, "rounding", 1) == 0);
  request["engine"]["options"]["zero_optimization"]["offload_optimizer"]["pin_memory"] = true;
  const Json pinned = estimated(request);
  CHECK(part(pinned, "rounding", 1) > 0);   // powers of two
  Json field = training(2, {{"reduce_bucket_size", 200000}});
  field["training"]["offload"] = {{"optimizer", true}};
  CHECK(estimated(field)["devices"] == pinned["devices"]);
}

TEST_CASE("Parameters on the processor leave what is gathered on the device") {
  Json request = training(3, {{"reduce_bucket_size", 200000}, {"stage3_param_persistence_threshold", 0}});
  request["training"]["offload"] = {{"parameters", true}, {"optimizer", true}};
  const Json answer = estimated(request);
  CHECK(part(answer, "weights") == 0);
  CHECK(part(answer, "weights", 1) == parameters / ranks * 2);
}

TEST_CASE("Modules are gathered ahead, kept if they come again soon, and let go otherwise") {
  ZeroPlan plan;
  plan.stage = 3;
  plan.options.persistence_threshold = 0;
  plan.options.prefetch_bucket_size = 0;
  plan.options.max_reuse_distance = 0;
  std::vector<Parameter> every;
  for (const int layer : {-1, 0, 1, 2}) {
    every.emplace_back();
    every.back().shape = {100};
    every.back().format = bf16;
    every.back().layer = layer;
    every.back().hidden = layer == 0 || layer == 1;
  }
  const GatheringTrace alone(plan, every);
  for (const int layer : {-1, 0, 1, 2}) CHECK(alone.forward(layer).kept == 100);
  // The model and what is in it each ask for two more, for one is not 150. The first pair is copied out of its piece; when
  // its second half is used, that piece goes, and the other pair is still to be taken apart.
  plan.options.prefetch_bucket_size = 150;
  const GatheringTrace ahead(plan, every);
  CHECK(ahead.forward(-1).kept == 200 + 200 + 200);
  CHECK(ahead.forward(0).moment == 600);
  plan.options.prefetch_bucket_size = 0;
  plan.options.max_reuse_distance = 250;
  // Behind the last module's forward comes its own backward, then the one before it: both are kept.
  const GatheringTrace kept(plan, every);
  CHECK(kept.forward(0).kept == 100);
  CHECK(kept.forward(2).kept == 200);
}

TEST_CASE("What the Trainer calls auto follows from the hidden size") {
  const Json answer = estimated(training(3, {{"reduce_bucket_size", "auto"}, {"stage3_prefetch_bucket_size", "auto"}, {"stage3_param_persistence_threshold", "auto"}}));
  const Json options = answer["scenario"]["engine"]["options"];
  CHECK(options["reduce_bucket_size"] == 256 * 256);
  CHECK(options["stage3_prefetch_bucket_size"] == std::floor(0.9 * 256 * 256));
  CHECK(options["stage3_param_persistence_threshold"] == 2560);
  CHECK(estimated(answer["scenario"])["devices"] == answer["devices"]);
}

TEST_CASE("What DeepSpeed cannot be is an issue") {
  Json request = training(2, Json::object());
  request["parallel"]["zero"] = 3;
  CHECK(issues_of(request)["parallel.zero"] == "contradiction");
  request = training(2, Json::object());
  request["training"]["optimizer"] = "muon";
  CHECK(issues_of(request)["training.optimizer"] == "unsupported");
  request = training(2, {{"offload_param", {{"device", "cpu"}}}});
  CHECK(issues_of(request)["training.offload.parameters"] == "contradiction");
}
