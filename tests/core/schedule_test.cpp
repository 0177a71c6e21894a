// Which layers are run, and that leaving the others out changes nothing.

#include <random>

#include "estimate/timeline.hpp"
#include "support/scenarios.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

std::vector<int> repeated(const std::vector<int>& pattern, std::size_t count) {
  std::vector<int> kinds;
  for (std::size_t i = 0; i < count; ++i) kinds.push_back(pattern[i % pattern.size()]);
  return kinds;
}

/// Every layer is run or missing exactly once, and what stands for a missing one is of its kind.
void check_sound(const std::vector<int>& kinds, Passes passes) {
  const Schedule plan = plan_layers(kinds, true, passes);
  std::vector<int> counted(kinds.size(), 0);
  for (const int layer : plan.layers) ++counted[static_cast<std::size_t>(layer)];
  for (const Gap& gap : plan.gaps) {
    CHECK(gap.source_last - gap.source_first + 1 == gap.period);
    CHECK(gap.after > gap.source_last);
    for (int i = 0; i < gap.layers(); ++i) {
      const auto missing = static_cast<std::size_t>(gap.after + 1 + i);
      REQUIRE(missing < kinds.size());
      ++counted[missing];
      const int away = static_cast<int>(missing) - gap.source_first;
      CHECK(kinds[missing] == kinds[static_cast<std::size_t>(gap.source_first + away % gap.period)]);
    }
  }
  CHECK(counted == std::vector<int>(kinds.size(), 1));
  CHECK(std::is_sorted(plan.layers.begin(), plan.layers.end()));
}

void check_sound(const std::vector<int>& kinds) {
  check_sound(kinds, Passes::both_ways);
  check_sound(kinds, Passes::forward);
}

/// Runs a request both ways: same peak, same cause, same timeline.
void check_same(const Json& request, bool by_component = true) {
  CAPTURE(request.dump());
  const Document document = read(request);
  std::vector<Issue> issues;
  const Scenario scenario = read_scenario(document, Document::record(), issues);
  for (const Issue& i : issues) FAIL_CHECK(i.path << ": " << i.message);
  if (!issues.empty()) return;
  const Run shortened = run_scenario(scenario), whole = run_scenario(scenario, true);
  CHECK(in(bytes, shortened.peak.highest) == in(bytes, whole.peak.highest));
  CHECK(shortened.peak.phase == whole.peak.phase);
  CHECK(shortened.total == whole.total);
  CHECK(in(bytes, shortened.cache) == in(bytes, whole.cache));
  CHECK(in(bytes, shortened.machine->memory.ledger.live()) == in(bytes, whole.machine->memory.ledger.live()));
  for (std::size_t c = 0; by_component && c < component_count; ++c) {
    CAPTURE(component_ids[c]);
    CHECK(in(bytes, shortened.peak.parts.of[c]) == in(bytes, whole.peak.parts.of[c]));
  }
  const std::vector<Stretch> filled = whole_timeline(shortened), all = whole_timeline(whole);
  REQUIRE(filled.size() == all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool alike = filled[i].phase == all[i].phase && filled[i].layer == all[i].layer;
    const double difference = in(bytes, filled[i].highest) - in(bytes, all[i].highest);
    if (!alike || std::fabs(difference) > 0.5) {
      CAPTURE(i, all[i].phase, all[i].layer, filled[i].phase, filled[i].layer);
      CHECK(in(bytes, filled[i].highest) == Approx(in(bytes, all[i].highest)).margin(0.5));
      CHECK(alike);
    }
  }
}

Json family(const char* type, int layers, const Json& more = Json::object()) {
  Json c = small_config(layers);
  c["model_type"] = type;
  c.update(more);
  return {{"config", c}};
}

const Json training_settings[] = {
    {{"sequenceTokens", 96}},
    {{"sequenceTokens", 96}, {"checkpointing", "full"}},
    {{"sequenceTokens", 96}, {"gradientAccumulation", 4}},
    {{"sequenceTokens", 96}, {"gradientAccumulation", 4}, {"checkpointing", "full"}},
    {{"sequenceTokens", 96}, {"optimizerInBackward", true}},
    {{"sequenceTokens", 96}, {"optimizerInBackward", true}, {"checkpointing", "full"}, {"optimizerStep", "loop"}},
    {{"sequenceTokens", 96}, {"optimizer", "sgd"}, {"optimizerStep", "foreach"}},
    {{"sequenceTokens", 96}, {"precision", "bf16-amp"}},
    {{"sequenceTokens", 96}, {"precision", "bf16-amp"}, {"checkpointing", "full"}},
    {{"sequenceTokens", 96}, {"precision", "fp32"}},
    {{"sequenceTokens", 96}, {"precision", "fp32"}, {"checkpointing", "full"}},
    {{"sequenceTokens", 96}, {"attention", "eager"}, {"microBatch", 2}},
    {{"sequenceTokens", 96}, {"attention", "sdpa"}, {"checkpointing", "full"}, {"microBatch", 3}},
};

const Json inference_settings[] = {
    {{"contextTokens", 200}, {"promptTokens", 100}},
    {{"contextTokens", 200}, {"promptTokens", 100}, {"attention", "eager"}, {"sequences", 2}},
    {{"contextTokens", 200}, {"promptTokens", 100}, {"attention", "sdpa"}, {"sequences", 3}},
    {{"contextTokens", 2000}, {"promptTokens", 16}},
    {{"contextTokens", 400}, {"promptTokens", 300}, {"prefillTokens", 64}},
    {{"contextTokens", 101}, {"promptTokens", 100}},
    {{"contextTokens", 100}},
};

/// Norms with one plus the weight do not tell gradients from activations where weights are fp32: totals only.
bool told_apart(const Json& model, const Json& training) {
  const bool plus_one = model["config"]["model_type"].get<std::string>().starts_with("gemma");
  return !plus_one || training.value("precision", "bf16") == "bf16";
}

void check_everywhere(const Json& model) {
  for (const Json& t : training_settings)
    check_same({{"model", model}, {"task", "training"}, {"training", t}}, told_apart(model, t));
  for (const Json& i : inference_settings) check_same({{"model", model}, {"inference", i}});
  check_same({{"model", model}, {"inference", inference_settings[0]},
              {"engine", {{"options", {{"cache_implementation", "static"}}}}}});
}

}  // namespace

TEST_CASE("layers that are all alike are run at both ends", "[machine]") {
  const Schedule plan = plan_layers(std::vector<int>(32, 0), true);
  // two periods and a layer before the gap, one period and two layers behind it
  CHECK(plan.layers == std::vector<int>{0, 1, 2, 29, 30, 31});
  REQUIRE(plan.gaps.size() == 1);
  CHECK(plan.gaps[0].after == 2);
  CHECK(plan.gaps[0].source_first == 1);
  CHECK(plan.gaps[0].source_last == 1);
  CHECK(plan.gaps[0].period == 1);
  CHECK(plan.gaps[0].periods == 26);
}

TEST_CASE("without a way back four layers stand for all", "[machine]") {
  const Schedule plan = plan_layers(std::vector<int>(32, 0), true, Passes::forward);
  CHECK(plan.layers == std::vector<int>{0, 1, 2, 31});
  REQUIRE(plan.gaps.size() == 1);
  CHECK(plan.gaps[0].after == 2);
  CHECK(plan.gaps[0].source_first == 1);
  CHECK(plan.gaps[0].periods == 28);
}

TEST_CASE("a pattern of five and one is run by whole periods", "[machine]") {
  const Schedule plan = plan_layers(repeated({0, 0, 0, 0, 0, 1}, 62), true);
  REQUIRE(plan.gaps.size() == 1);
  CHECK(plan.gaps[0].period == 6);
  CHECK(plan.gaps[0].periods == (62 - 13 - 8) / 6);
  CHECK(plan.layers.size() == 62 - 36);
}

TEST_CASE("the allocator meets every layer of an answer, and a summary's first and last ones", "[machine]") {
  const auto reserved = [](int layers, const char* detail, bool every_layer) {
    const Document request = read({{"model", family("llama", layers)}, {"task", "training"}, {"detail", detail},
                                   {"training", {{"sequenceTokens", 4096}, {"checkpointing", "full"}, {"microBatch", 8}}}});
    std::vector<Issue> issues;
    const Scenario scenario = read_scenario(request, Document::record(), issues);
    REQUIRE(issues.empty());
    return in(bytes, run_scenario(scenario, every_layer).reserved);
  };
  const double whole = reserved(24, "summary", true);
  CHECK(reserved(24, "timeline", false) == whole);
  CHECK(reserved(24, "tensors", false) == whole);
  CHECK(reserved(24, "summary", false) != whole);   // layers left out do not cut up what is free
  CHECK(reserved(49, "timeline", false) == reserved(49, "summary", false));
}

TEST_CASE("few layers, or layers of no pattern, are all run", "[machine]") {
  for (const std::vector<int>& kinds : {std::vector<int>{}, {0}, {0, 0, 0, 0, 0, 0}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}) {
    const Schedule plan = plan_layers(kinds, true);
    CHECK(plan.layers.size() == kinds.size());
    CHECK(plan.gaps.empty());
  }
  CHECK(plan_layers(std::vector<int>(80, 0), false).layers.size() == 80);
}

TEST_CASE("every layer is run or stood for by one of its kind", "[machine]") {
  check_sound(std::vector<int>(7, 0));
  check_sound(std::vector<int>(100, 0));
  for (std::size_t count = 1; count < 80; count += 3) {
    check_sound(repeated({0, 1}, count));
    check_sound(repeated({0, 0, 0, 0, 0, 1}, count));
    check_sound(repeated({0, 1, 1, 2}, count));
  }
  std::vector<int> two(20, 0);
  two.insert(two.end(), 20, 1);
  check_sound(two);
  CHECK(plan_layers(two, true).gaps.size() == 2);
  std::mt19937 random(7);
  for (int run = 0; run < 200; ++run) {
    std::vector<int> kinds(std::uniform_int_distribution<std::size_t>(1, 60)(random));
    for (int& k : kinds) k = static_cast<int>(random() % 5 == 0);
    check_sound(kinds);
  }
}

TEST_CASE("alike layers left out change nothing: a gated decoder", "[estimate]") { check_everywhere(family("llama", 20)); }

TEST_CASE("alike layers left out change nothing: norms over single heads", "[estimate]") {
  check_everywhere(family("qwen3", 12, {{"head_dim", 32}}));
}

TEST_CASE("alike layers left out change nothing: a window in every second layer", "[estimate]") {
  check_everywhere(family("gemma2", 26, {{"head_dim", 64}, {"sliding_window", 48}}));
}

TEST_CASE("alike layers left out change nothing: one layer in six without a window", "[estimate]") {
  check_everywhere(family("gemma3_text", 34, {{"head_dim", 64}, {"sliding_window", 48}}));
}

TEST_CASE("alike layers left out change nothing: windows from some layer on", "[estimate]") {
  check_everywhere(family("qwen2", 24, {{"use_sliding_window", true}, {"sliding_window", 48}, {"max_window_layers", 11}}));
}

TEST_CASE("alike layers left out change nothing: joint projections", "[estimate]") {
  check_everywhere(family("phi3", 11, {{"resid_pdrop", 0.1}, {"sliding_window", 64}}));
}

TEST_CASE("alike layers left out change nothing: LayerNorm families", "[estimate]") {
  check_everywhere(family("gpt2", 13, {{"n_positions", 4096}, {"num_key_value_heads", nullptr}}));
  check_everywhere(family("gpt_neox", 10, {{"num_key_value_heads", nullptr}}));
  check_everywhere(family("bloom", 10, {{"num_key_value_heads", nullptr}}));
  check_everywhere(family("gptj", 10, {{"num_key_value_heads", nullptr}}));
  check_everywhere(family("opt", 10, {{"ffn_dim", 512}, {"num_key_value_heads", nullptr}, {"word_embed_proj_dim", 128},
                                      {"do_layer_norm_before", false}}));
}

TEST_CASE("alike layers left out change nothing: attention of the family's own", "[estimate]") {
  check_everywhere(family("falcon", 10, {{"new_decoder_architecture", true}, {"num_kv_heads", 2}, {"num_key_value_heads", nullptr}}));
  check_everywhere(family("falcon", 10, {{"alibi", true}, {"parallel_attn", false}, {"multi_query", false}, {"bias", true}, {"num_key_value_heads", nullptr}}));
  check_everywhere(family("mpt", 10, {{"num_key_value_heads", nullptr}}));
  check_everywhere(family("gpt_neo", 10, {{"num_key_value_heads", nullptr}}));
  check_everywhere(family("codegen", 10, {{"num_key_value_heads", nullptr}}));
  check_everywhere(family("xglm", 10, {{"num_key_value_heads", nullptr}}));
  check_everywhere(family("persimmon", 10, {{"num_key_value_heads", nullptr}}));
}

TEST_CASE("alike layers left out change nothing: random small models", "[estimate]") {
  std::mt19937 random(20261124);
  const auto pick = [&](std::initializer_list<double> from) {
    return *(from.begin() + static_cast<std::ptrdiff_t>(random() % from.size()));
  };
  const char* types[] = {"llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "phi3"};
  for (int run = 0; run < 60; ++run) {
    const double kv = pick({1, 2, 4});
    const char* type = types[random() % 8];   // one draw after another: compilers order arguments as they like
    const int layers = static_cast<int>(random() % 40) + 1;
    const Json model = family(type, layers,
                              {{"hidden_size", pick({24, 64, 200})},
                               {"intermediate_size", pick({16, 96, 700})},
                               {"num_attention_heads", 4},
                               {"num_key_value_heads", kv},
                               {"head_dim", pick({16, 34, 64})},
                               {"vocab_size", pick({11, 500, 5000})},
                               {"sliding_window", pick({5, 32, 4096})},
                               {"sliding_window_pattern", pick({2, 3, 6})},
                               {"tie_word_embeddings", random() % 2 == 0}});
    if (run % 2 == 0) {
      Json t = {{"sequenceTokens", pick({7, 17, 64, 200})}, {"microBatch", pick({1, 2, 5})}};
      t["attention"] = random() % 2 == 0 ? "sdpa" : "eager";
      t["precision"] = run % 3 == 0 ? "bf16-amp" : run % 3 == 1 ? "fp32" : "bf16";
      t["checkpointing"] = random() % 2 == 0 ? "full" : "none";
      if (random() % 3 == 0) t["gradientAccumulation"] = 2;
      else t["optimizerInBackward"] = random() % 2 == 0;
      t["optimizerStep"] = random() % 2 == 0 ? "loop" : "fused";
      check_same({{"model", model}, {"task", "training"}, {"training", t}}, told_apart(model, t));
    } else {
      const double prompt = pick({1, 7, 64, 150}), generated = pick({0, 1, 2, 90});
      Json i = {{"promptTokens", prompt}, {"contextTokens", prompt + generated}, {"sequences", pick({1, 3})},
                {"prefillTokens", pick({1, 32, 1000})}};
      i["attention"] = random() % 3 == 0 ? "eager" : random() % 2 == 0 ? "sdpa" : "flash";
      check_same({{"model", model}, {"inference", i}});
    }
  }
}
