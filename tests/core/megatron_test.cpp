// Megatron-LM: how a model is divided, what its modules keep, what waits in a pipeline, and its optimizer's shards.

#include <map>
#include <random>

#include "models.hpp"
#include "placement/megatron_stages.hpp"
#include "scenarios.hpp"

using namespace gpumem;
using namespace gpumem::megatron;
using test::Json;

namespace {

/// Bytes that stay small beside what is tested: workspaces of products.
Stage stage_of(const Decoder& whole, const Decoder& part, const RankLayout& layout, const Spread& spread, double tokens, double stage = 0) {
  Stage made;
  made.model = &part;
  made.share = share_of(whole, layout, spread, tokens);
  bool even = true;
  made.chunks = chunks_of(layers_by_stage(static_cast<double>(part.layers.size()), layout.pipeline, spread, even), layout, stage, 64);
  made.rotary_tokens = tokens;
  return made;
}

double highest(const Stage& stage) {
  Machine m;
  run_stage(m, stage);
  double most = 0;
  for (const auto& s : m.memory.ledger.stretches()) most = std::max(most, in(bytes, s.highest));
  return most;
}

/// What a micro-batch that waits keeps: the difference that one more of them makes.
double kept_by_one(Stage stage) {
  stage.chunks[0].waiting = 1;
  const double one = highest(stage);
  stage.chunks[0].waiting = 2;
  return highest(stage) - one;
}

Json experts_config(int layers) {
  return {{"model_type", "deepseek_v3"}, {"hidden_size", 256}, {"intermediate_size", 512}, {"num_hidden_layers", layers},
          {"num_attention_heads", 8}, {"num_key_value_heads", 8}, {"q_lora_rank", 64}, {"kv_lora_rank", 32}, {"qk_nope_head_dim", 32},
          {"qk_rope_head_dim", 16}, {"v_head_dim", 32}, {"moe_intermediate_size", 64}, {"n_routed_experts", 16}, {"n_shared_experts", 1},
          {"num_experts_per_tok", 4}, {"first_k_dense_replace", 1}, {"n_group", 1}, {"topk_group", 1}, {"vocab_size", 1024},
          {"max_position_embeddings", 4096}, {"tie_word_embeddings", false}};
}

Json trained(const Json& config, const Json& parallel, const Json& training = Json::object(), const Json& options = Json::object()) {
  Json t = {{"sequenceTokens", 1024}};
  if (training.is_object()) t.update(training);
  return {{"model", {{"config", config}}}, {"task", "training"}, {"engine", {{"name", "megatron"}, {"options", options}}}, {"training", t}, {"parallel", parallel}};
}

double component(const Json& answer, const char* id, std::size_t device = 0) {
  for (const Json& c : answer["devices"][device]["components"])
    if (c["id"] == id) return c["bytes"];
  return -1;
}

}  // namespace

TEST_CASE("shards of all ranks add up to the whole model, whatever the layout") {
  std::mt19937 random(7);
  const auto one_of = [&](std::initializer_list<double> from) { return *(from.begin() + random() % from.size()); };
  for (int round = 0; round < 60; ++round) {
    const bool mixture = round % 2 == 1;
    const int layers = 4 + static_cast<int>(random() % 9);
    const Decoder whole = test::decoder(mixture ? experts_config(layers) : test::config("llama", {256, 512, 8, 8, 32, 1024}, layers));
    RankLayout l;
    l.tensor = one_of({1, 2, 4});
    l.pipeline = one_of({1, 2, 3, 4});
    l.expert = mixture ? one_of({1, 2, 4}) : 1;
    l.data = 4;
    Spread spread;
    if (mixture && l.expert * 2 <= l.data * l.tensor) spread.expert_tensor = one_of({1, 2});
    const auto numbers = [&](const RankLayout& layout, const Spread& how) {
      std::map<std::string, std::pair<double, double>> found;   // by name: numbers of one rank, and how many times it was found
      const Decoder part = part_of(whole, layout, how);
      for (double stage = 0; stage < layout.pipeline; ++stage) {
        Machine m;
        run_stage(m, stage_of(whole, part, layout, how, 64, stage));
        for (const Parameter& p : m.parameters.rows) {
          std::string name = std::to_string(p.layer);
          for (int s = p.scope; s > 0; s = m.scopes()[static_cast<std::size_t>(s)].outer) name += std::string(".") + m.scopes()[static_cast<std::size_t>(s)].name;
          auto& row = found[name + "." + p.name + (p.shape.rank > 1 ? " matrix" : "")];
          row.first += p.count();
          row.second = p.shape.rank == 3 ? l.expert * spread.expert_tensor : l.tensor;
        }
      }
      return found;
    };
    Spread alone;
    alone.vocabulary_multiple = 128;
    const auto all = numbers(RankLayout(), alone);
    const auto divided = numbers(l, spread);
    REQUIRE(divided.size() == all.size());
    double sum = 0, expected = 0;
    for (const auto& [name, row] : all) {
      const auto& [mine, ranks] = divided.at(name);
      const bool replicated = mine == row.first;
      INFO(name << " " << row.first << " over " << ranks << ": " << mine);
      CHECK((replicated || mine * ranks == row.first));
      sum += replicated ? mine : mine * ranks;
      expected += row.first;
    }
    CHECK(sum == expected);
  }
}

TEST_CASE("a waiting micro-batch keeps, of every dense layer, what Transformer Engine's modules save") {
  // Per token: two inputs and two normalised inputs of the layer (8h), turned queries and keys and the values (2(a + 2k)d),
  // attention's output (2ad), the gate, up and their product (6f); one fp32 number a token for each norm and each head.
  const test::Sizes s{256, 512, 4, 2, 64, 512};
  const double length = 512, per_token = 8 * s.h + 2 * (s.a + 2 * s.k) * s.d + 2 * s.a * s.d + 6 * s.f + 4 * (2 + s.a);
  const auto kept = [&](int layers, double tensor) {
    const Decoder whole = test::decoder(test::config("llama", s, layers));
    RankLayout l;
    l.tensor = tensor;
    l.pipeline = 2;
    const Decoder part = part_of(whole, l, {});
    return kept_by_one(stage_of(whole, part, l, {}, length));
  };
  CHECK(kept(8, 1) - kept(4, 1) == 2 * per_token * length);
  CHECK(kept(8, 2) - kept(4, 2) == per_token * length);   // sequence parallelism divides all of it
}

TEST_CASE("a layer that is computed again keeps its input alone") {
  const test::Sizes s{256, 512, 4, 2, 64, 512};
  const double length = 512;
  const auto kept = [&](int layers, double first_layers) {
    const Decoder whole = test::decoder(test::config("llama", s, layers));
    RankLayout l;
    l.pipeline = 2;
    const Decoder part = part_of(whole, l, {});
    Stage stage = stage_of(whole, part, l, {}, length);
    stage.share.recompute.whole_layers = 1;
    stage.share.recompute.first_layers = first_layers;
    return kept_by_one(stage);
  };
  CHECK(kept(8, -1) - kept(4, -1) == 2 * 2 * s.h * length);
  CHECK(kept(8, 0) > kept(8, 2));
  CHECK(kept(8, 4) == kept(8, -1));
}

TEST_CASE("modules that are computed again keep less, and nothing else changes") {
  const Decoder whole = test::decoder(experts_config(8));
  RankLayout l;
  l.pipeline = 2;
  l.expert = 4;
  l.data = 4;
  const Decoder part = part_of(whole, l, {});
  const Stage plain = stage_of(whole, part, l, {}, 256);
  const double all = kept_by_one(plain);
  const auto with = [&](bool Recompute::* module) {
    Stage stage = plain;
    stage.share.recompute.*module = true;
    return all - kept_by_one(stage);
  };
  // Three of the stage's four layers have experts: 256 tokens, 4 experts each, their activations 64 wide.
  CHECK(with(&Recompute::expert_activation) == 3 * 256 * 4 * 64 * 2);
  CHECK(with(&Recompute::moe) > with(&Recompute::expert_activation));
  CHECK(with(&Recompute::up_projection) > 0);
  // Norms apart from projections: before attention in all four, before experts in three; with a number for each row.
  CHECK(with(&Recompute::norms) == 7 * 256 * (256 * 2 + 4));
  CHECK(with(&Recompute::mlp) > 0);
}

TEST_CASE("stages hold as many micro-batches as stages follow") {
  RankLayout l;
  l.pipeline = 4;
  const std::vector<double> sizes(4, 2);
  for (double stage = 0; stage < 4; ++stage) CHECK(chunks_of(sizes, l, stage, 64)[0].waiting == 3 - stage);
  CHECK(chunks_of(sizes, l, 0, 2)[0].waiting == 1);   // no more than there are
  CHECK(chunks_of(sizes, l, 0, 64)[0].embeds);
  CHECK(chunks_of(sizes, l, 3, 64)[0].heads);
  l.schedule = "gpipe";
  CHECK(chunks_of(sizes, l, 3, 64)[0].waiting == 63);
  l.schedule = "zb-h2";
  CHECK(chunks_of(sizes, l, 0, 64)[0].waiting == 6);
}

TEST_CASE("Under ZB-V the second chunk turns back, and every rank holds as much") {
  RankLayout l;
  l.pipeline = 4;
  l.virtual_stages = 2;
  l.schedule = "zbv";
  const std::vector<double> sizes(8, 1);
  for (double stage = 0; stage < 4; ++stage) {
    const std::vector<Chunk> chunks = chunks_of(sizes, l, stage, 64);
    CHECK(chunks[0].waiting + chunks[1].waiting + 1 == 8);   // halves of stages, one of them running: four stages
    CHECK(chunks[1].first == 7 - stage);
  }
  const std::vector<Chunk> first = chunks_of(sizes, l, 0, 64);
  CHECK(first[0].embeds);
  CHECK(first[1].heads);
  CHECK(chunks_of(sizes, l, 0, 3)[0].waiting == 3);   // no more than there are
}

TEST_CASE("with virtual stages a rank holds rounds of micro-batches of each chunk") {
  // Four stages, two chunks each: the first rank has done 2 · 3 + 4 + 1 = 11 forward passes when its first backward begins:
  // four of each chunk, then three more of the first; one of the second chunk is the one that runs.
  RankLayout l;
  l.pipeline = 4;
  l.virtual_stages = 2;
  const std::vector<double> sizes(8, 1);
  const std::vector<Chunk> first = chunks_of(sizes, l, 0, 64), last = chunks_of(sizes, l, 3, 64);
  CHECK(first[0].waiting == 7);
  CHECK(first[1].waiting == 3);
  CHECK(first[1].first == 4);
  CHECK(last[0].waiting == 4);   // 4 + 1 passes
  CHECK(last[1].waiting == 0);
  CHECK(last[1].heads);
}

TEST_CASE("layers are shared out over stages as asked") {
  bool even = false;
  Spread spread;
  spread.embedding_counts = spread.head_counts = true;
  const std::vector<double> llama = layers_by_stage(126, 16, spread, even);   // (126 + 2) / 16 = 8
  CHECK(even);
  CHECK(llama.front() == 7);
  CHECK(llama[1] == 8);
  CHECK(llama.back() == 7);
  Spread ends;
  ends.first_layers = 3;
  ends.last_layers = 2;
  const std::vector<double> given = layers_by_stage(61, 16, ends, even);   // 56 over 14
  CHECK(even);
  CHECK(given[7] == 4);
  const std::vector<double> uneven = layers_by_stage(61, 16, {}, even);
  CHECK_FALSE(even);
  double sum = 0;
  for (const double n : uneven) sum += n;
  CHECK(sum == 61);
}

TEST_CASE("a number costs 18 bytes, of which the distributed optimizer divides 12") {
  const Json config = test::small_config();
  const Json alone = test::estimated(trained(config, {{"data", 4}}));
  REQUIRE(alone["ok"] == true);
  // 1000 rows of the vocabulary become 1024; two layers, two tables, one norm.
  const double count = 2 * 1024 * 256 + 256 + 2 * (256 * (256 + 2 * 128) + 256 * 256 + 3 * 256 * 512 + 2 * 256);
  CHECK(component(alone, "weights") == 2 * count);
  CHECK(component(alone, "gradients") == 4 * count);
  CHECK(component(alone, "optimizer-states") == 12 * count);
  CHECK(component(test::estimated(trained(config, {{"data", 4}, {"zero", 1}})), "optimizer-states") == 3 * count);
  CHECK(component(test::estimated(trained(config, {{"data", 2}, {"context", 2}}, {}, {{"use_distributed_optimizer", true}})), "optimizer-states") == 3 * count);
  const Json narrow = test::estimated(trained(config, {{"data", 4}, {"zero", 1}}, {},
      {{"use_precision_aware_optimizer", true}, {"main_grads_dtype", "bf16"}, {"exp_avg_dtype", "bf16"}, {"exp_avg_sq_dtype", "bf16"}}));
  CHECK(component(narrow, "gradients") == 2 * count);
  CHECK(component(narrow, "optimizer-states") == 6 * count / 4);
}

TEST_CASE("every stage is a device of its own, the fullest first, and the layout is echoed") {
  const Json answer = test::estimated(trained(test::small_config(8), {{"pipeline", 4}, {"data", 2}, {"zero", 1}}, {{"gradientAccumulation", 8}}));
  REQUIRE(answer["devices"].size() == 4);
  double before = 1e18;
  for (const Json& d : answer["devices"]) {
    CHECK(d["count"] == 2);
    CHECK(d["allocatedBytes"] <= before);
    before = d["allocatedBytes"];
    double sum = 0;
    for (const Json& c : d["components"]) sum += c["bytes"].get<double>();
    CHECK(sum == d["allocatedBytes"].get<double>());
  }
  CHECK(answer["scenario"]["parallel"]["pipeline"] == 4);
  CHECK(answer["scenario"]["training"]["precision"] == "megatron-bf16");
  CHECK(answer["parameters"]["total"] == answer["parameters"]["trainable"]);
  // What was completed gives the same answer again.
  CHECK(test::estimated(answer["scenario"])["devices"] == answer["devices"]);
}

TEST_CASE("layouts that do not go together are all reported at once") {
  const auto codes = test::issues_of(trained(test::small_config(), {{"tensor", 3}, {"pipeline", 5}, {"expert", 2}, {"zero", 3}, {"schedule", "dualpipe"}}));
  CHECK(codes.at("parallel.tensor") == "contradiction");
  CHECK(codes.at("parallel.pipeline") == "contradiction");
  CHECK(codes.at("parallel.expert") == "contradiction");
  CHECK(codes.at("parallel.zero") == "unsupported");
  CHECK(codes.at("parallel.schedule") == "unsupported");
  CHECK(test::issues_of(trained(test::small_config(), {}, {{"precision", "bf16-amp"}})).count("training.precision") == 1);
  CHECK(test::issues_of(trained(test::small_config(), {}, {{"checkpointing", {{"modules", {"mlp", "nothing"}}}}})).count("training.checkpointing.modules") == 1);
  for (const char* method : {"lora", "qlora", "dora"})
    CHECK(test::issues_of(trained(test::small_config(), {}, {{"method", method}})).at("training.method") == "unsupported");
}

TEST_CASE("the largest published layouts get an answer") {
  const Json llama = {{"model_type", "llama"}, {"hidden_size", 16384}, {"intermediate_size", 53248}, {"num_attention_heads", 128}, {"num_key_value_heads", 8},
                      {"num_hidden_layers", 126}, {"vocab_size", 128256}, {"max_position_embeddings", 131072}, {"tie_word_embeddings", false}};
  const Json large = test::estimated(trained(llama, {{"data", 128}, {"tensor", 8}, {"pipeline", 16}, {"zero", 1}}, {{"sequenceTokens", 8192}, {"gradientAccumulation", 16}},
      {{"account_for_embedding_in_pipeline_split", true}, {"account_for_loss_in_pipeline_split", true}}));
  REQUIRE(large["ok"] == true);
  CHECK(large["devices"].size() == 16);
  CHECK(large["devices"][0]["count"] == 1024);
  CHECK(large["parameters"]["total"] == 405853388800.0);
  for (const Json& d : large["devices"]) CHECK(d["allocatedBytes"] < 85e9);

  Json mixture = experts_config(61);
  mixture.update({{"hidden_size", 7168}, {"intermediate_size", 18432}, {"num_attention_heads", 128}, {"num_key_value_heads", 128}, {"q_lora_rank", 1536},
                  {"kv_lora_rank", 512}, {"qk_nope_head_dim", 128}, {"qk_rope_head_dim", 64}, {"v_head_dim", 128}, {"moe_intermediate_size", 2048},
                  {"n_routed_experts", 256}, {"num_experts_per_tok", 8}, {"first_k_dense_replace", 3}, {"n_group", 8}, {"topk_group", 4}, {"vocab_size", 129280}});
  const Json experts = test::estimated(trained(mixture, {{"data", 128}, {"pipeline", 16}, {"expert", 64}, {"zero", 1}}, {{"sequenceTokens", 4096}, {"gradientAccumulation", 120}, {"checkpointing", "full"}}));
  REQUIRE(experts["ok"] == true);
  CHECK(experts["parameters"]["total"].get<double>() == Approx(671.03e9).epsilon(1e-3));
  CHECK(experts["devices"][0]["allocatedBytes"] < 80e9);
}
