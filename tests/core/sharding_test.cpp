// Parameters spread over ranks: parts that sum to the whole, and small models whose phases PyTorch's fully_shard was
// asked for on tensors without contents (Source: [torch-fake-tensor-measurement]).

#include "placement/shards.hpp"
#include "support/bench.hpp"
#include "support/scenarios.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

const Json model = {{"model_type", "llama"}, {"hidden_size", 256}, {"num_hidden_layers", 3}, {"num_attention_heads", 4},
                    {"num_key_value_heads", 2}, {"intermediate_size", 704}, {"vocab_size", 4096}, {"tie_word_embeddings", false}, {"head_dim", 64}};

Json training(const char* weights = "fp32", const char* reduce = "float32", bool reshard = true, const char* checkpointing = "none") {
  return {{"model", {{"config", model}}}, {"task", "training"}, {"weights", weights},
          {"engine", {{"name", "fsdp"}, {"options", {{"mixed_precision_param", "bfloat16"}, {"mixed_precision_reduce", reduce}}}}},
          {"training", {{"precision", "bf16"}, {"optimizer", "adamw"}, {"optimizerStep", "fused"}, {"microBatch", 1}, {"sequenceTokens", 64}, {"checkpointing", checkpointing}}},
          {"parallel", {{"data", 4}, {"zero", reshard ? 3 : 2}, {"fsdp", {{"reshardAfterForward", reshard}}}}}};
}

}  // namespace

TEST_CASE("The parts of all ranks sum to the whole") {
  for (const double rows : {1, 7, 16, 1000, 4097})
    for (const double ranks : {1, 2, 3, 8, 64, 1024}) {
      double sum = 0;
      for (double rank = 0; rank < ranks; ++rank) {
        sum += rows_of_rank(rows, ranks, rank);
        CHECK(rows_of_rank(rows, ranks, rank) <= shard_of({rows, 3}, ranks)[0]);
      }
      CHECK(sum == rows);
      CHECK(padded_for({rows, 3}, ranks)[0] == ranks * shard_of({rows, 3}, ranks)[0]);
    }
}

TEST_CASE("Phases under fully_shard are those that PyTorch was measured to have") {
  check_phases(training(), {23239168, 23568896, 28530688, 17266176});
  check_phases(training("bf16"), {16406528, 17105408, 21698560, 8648192});
  check_phases(training("fp32", "bfloat16"), {23239168, 23568896, 27055104, 17266176});
  check_phases(training("fp32", "float32", false), {25896448, 27995648, 28530688, 17266176});
  check_phases(training("fp32", "float32", true, "full"), {23239168, 21495808, 27872768, 17266176});
}

TEST_CASE("Of a model whose rows divide evenly each rank holds its share of weights and states") {
  const Json device = estimated(training())["devices"][0];
  CHECK(device["count"] == 4);
  for (const Json& c : device["components"]) {
    if (c["id"] == "weights") CHECK(c["bytes"] == 4310784);           // 4,310,784 parameters × 4 B / 4
    if (c["id"] == "optimizer-states") CHECK(c["bytes"] == 8621688);  // twice that, and 30 counters
  }
}

TEST_CASE("Layers that are not run leave the same shards behind as those that are") {
  Json request = training();
  request["model"]["config"]["num_hidden_layers"] = 24;
  const double deep = estimated(request)["devices"][0]["allocatedBytes"];
  request["model"]["config"]["num_hidden_layers"] = 23;
  const double less = estimated(request)["devices"][0]["allocatedBytes"];
  request["model"]["config"]["num_hidden_layers"] = 22;
  CHECK(deep - less == less - estimated(request)["devices"][0]["allocatedBytes"].get<double>());
}

TEST_CASE("What fully_shard cannot be is an issue") {
  Json request = training();
  request["parallel"]["shardGroup"] = 3;
  CHECK(issues_of(request)["parallel.shardGroup"] == "contradiction");
  request = training();
  request["parallel"]["zero"] = 2;
  CHECK(issues_of(request)["parallel.fsdp.reshardAfterForward"] == "contradiction");
  request = training();
  request["training"]["offload"] = {{"optimizer", true}};
  CHECK(issues_of(request)["training.offload.optimizer"] == "unsupported");
}

TEST_CASE("A training under fully_shard is completed to one that says the same") {
  const Json first = estimated(training());
  CHECK(estimated(first["scenario"])["devices"] == first["devices"]);
}

namespace {

/// Under FullyShardedDataParallel, as accelerate sets it up.
Json flat_training(const char* method, const char* weights, bool reentrant = true, int layers = 3) {
  Json request = training(weights, "bfloat16", true, "full");
  request["model"]["config"]["num_hidden_layers"] = layers;
  request["engine"]["options"] = {{"fsdp_version", 1}, {"backward_prefetch", "BACKWARD_PRE"}, {"activation_checkpoint_reentrant", reentrant}};
  request["parallel"]["fsdp"].erase("reshardAfterForward");
  request["training"]["method"] = method;
  request["training"]["precision"] = "bf16-amp";
  return request;
}

double part_of(const Json& answer, const char* id) {
  for (const Json& c : answer["devices"][0]["components"])
    if (c["id"] == id) return c["bytes"];
  return 0;
}

}  // namespace

TEST_CASE("Of flat parameters each rank holds an equal part, and steps on it") {
  const Json answer = estimated(flat_training("full", "fp32"));
  CHECK(part_of(answer, "weights") == 4310784);                                  // 4,310,784 parameters × 4 B / 4
  CHECK(std::abs(part_of(answer, "optimizer-states") - 2 * 4310784) <= 30 * 4);  // twice that, and 30 counters
  CHECK(answer["scenario"]["engine"]["options"]["mixed_precision_reduce"] == "bfloat16");
  CHECK(estimated(answer["scenario"])["devices"] == answer["devices"]);
}

TEST_CASE("Of a packed base the codes are cut and their scales are whole on every rank") {
  const Json few = estimated(flat_training("qlora", "nf4-dq", true, 3)), more = estimated(flat_training("qlora", "nf4-dq", true, 4));
  // A layer has 737,280 packed numbers in seven linears and 2 × 256 in norms; adapters are the rest.
  const Json none = estimated(flat_training("lora", "bf16", true, 3)), plain = estimated(flat_training("lora", "bf16", true, 4));
  const double packed = part_of(more, "weights") - part_of(few, "weights"), whole = part_of(plain, "weights") - part_of(none, "weights");
  const double codes = 737280.0 / 2 / 4, tables = 7 * (64 + 1028);
  CHECK(std::abs(whole - packed - (737280.0 * 2 / 4 - codes - 737280.0 / 64 - 180 - tables)) < 64);
}

namespace {

Json with(Json request, const char* option, const Json& value) {
  request["engine"]["options"][option] = value;
  return request;
}

double alive_in(const Json& answer, const char* phase, const char* id) {
  double bytes = 0;
  for (const Json& point : answer["timeline"])
    if (point["phase"] == phase) bytes = std::max(bytes, point["components"][id].get<double>());
  return bytes;
}

}  // namespace

TEST_CASE("Shards on the processor leave what is gathered on the device") {
  for (const Json& request : {training(), flat_training("full", "fp32")}) {
    const Json answer = estimated(with(request, "cpu_offload", true));
    CHECK(part_of(answer, "weights") == 0);
    CHECK(part_of(answer, "optimizer-states") == 0);
    REQUIRE(answer["devices"].size() == 2);
    const Json host = answer["devices"][1];
    CHECK(host["role"] == "host");
    double states = 0, weights = 0;
    for (const Json& c : host["components"]) {
      if (c["id"] == "weights") weights = c["bytes"];
      if (c["id"] == "optimizer-states") states = c["bytes"];
    }
    CHECK(weights == 4310784);   // 4,310,784 parameters × 4 B / 4
    CHECK(std::abs(states - 2 * 4310784) <= 30 * 4);
    CHECK(estimated(answer["scenario"])["devices"] == answer["devices"]);
  }
}

TEST_CASE("Replicas of shards hold what one group holds, under both versions") {
  for (Json request : {training("bf16"), flat_training("full", "fp32")}) {
    const double group = part_of(estimated(request), "weights");
    request["parallel"]["data"] = 8;
    request["parallel"]["shardGroup"] = 4;
    const Json answer = estimated(request);
    CHECK(answer["devices"][0]["count"] == 8);
    CHECK(part_of(answer, "weights") == group);
  }
  // Version 1 sums over replicas in place.
  Json flat = flat_training("full", "fp32");
  const Json alone = estimated(flat);
  flat["parallel"]["data"] = 8;
  flat["parallel"]["shardGroup"] = 4;
  CHECK(estimated(flat)["devices"][0]["components"] == alone["devices"][0]["components"]);
}

TEST_CASE("Gradients that are summed only at the end stay whole until then") {
  Json request = training();
  request["training"]["gradientAccumulation"] = 4;
  const Json shards = estimated(request), whole = estimated(with(request, "sync_each_batch", false));
  const double numbers = 4310784;
  CHECK(alive_in(shards, "forward", "gradients") == numbers * 4 / 4);   // a quarter, in fp32 as it is kept
  CHECK(alive_in(whole, "forward", "gradients") == numbers * 4);        // all of it, in fp32 as it is reduced
  request["model"]["config"]["num_hidden_layers"] = 24;                 // also of layers that are not run
  const Json deep = estimated(with(request, "sync_each_batch", false));
  CHECK(alive_in(deep, "loss", "gradients") == deep["parameters"]["total"].get<double>() * 4);
}

TEST_CASE("Under a reentrant checkpoint a frozen layer's input and its gradient stay to the end of backward") {
  const double kept = 64 * 256 * 2;   // one tensor of hidden states, in bf16
  const auto difference = [&](int layers) {
    return alive_in(estimated(flat_training("lora", "bf16", true, layers)), "backward", "activations") -
           alive_in(estimated(flat_training("lora", "bf16", false, layers)), "backward", "activations");
  };
  CHECK(difference(24) - difference(12) == 12 * 2 * kept);
}
