// llama.cpp's buffers, worked by hand from its source; whole models are among the recorded cases (tests/truth).

#include "engines/llama_cpp_memory.hpp"
#include "placement/layer_places.hpp"
#include "scenarios.hpp"

using namespace gpumem;
using test::estimated;
using test::issues_of;
using test::Json;
using test::small_config;

namespace {

std::vector<int> repeated(int count, int value) { return std::vector<int>(static_cast<std::size_t>(count), value); }

std::vector<int> joined(std::vector<int> a, const std::vector<int>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

GgufTensor tensor(std::string_view name, int layer, Shape shape) { return {name, layer, 0, false, false, shape}; }

double component(const Json& device, std::string_view id) {
  for (const Json& c : device["components"])
    if (c["id"] == id) return c["bytes"];
  return -1;
}

Json request(Json options = Json::object(), Json inference = Json::object()) {
  inference["contextTokens"] = 1000;
  return {{"model", {{"config", small_config(4)}}}, {"weights", "F16"}, {"engine", {{"name", "llama.cpp"}, {"options", options}}}, {"inference", inference}};
}

/// [out, in] of one layer: q 256×256, k and v 128×256, o 256×256, three of 512×256; two norms of 256 in fp32.
constexpr double layer_bytes = 2 * (256 * 256 * 2 + 128 * 256 * 2 + 3 * 512 * 256) + 2 * 256 * 4;
constexpr double table = 1000 * 256 * 2, norm = 256 * 4;
constexpr double cache_of_layer = 2 * 128 * 2 * 1024;   // keys and values of 128 numbers; 1000 tokens become 1024 cells

}  // namespace

TEST_CASE("the last layers go to the GPU, and the output counts as one of them", "[llama.cpp]") {
  const LayerPlaces some = place_layers(32, {10, false, {1}});
  CHECK(some.layers == joined(repeated(23, main_memory), repeated(9, 0)));
  CHECK(some.output == 0);
  CHECK(place_layers(32, {33, false, {1}}).layers == repeated(32, 0));
  CHECK(place_layers(32, {0, false, {1}}).output == main_memory);
}

TEST_CASE("versions before 2026 put the output on a GPU after all layers", "[llama.cpp]") {
  const LayerPlaces some = place_layers(32, {22, true, {1}});
  CHECK(some.layers == joined(repeated(10, main_memory), repeated(22, 0)));
  CHECK(some.output == main_memory);
  CHECK(place_layers(32, {33, true, {1}}).output == 0);
}

TEST_CASE("layers are split over GPUs by shares of layers and output together", "[llama.cpp]") {
  const LayerPlaces halves = place_layers(32, {33, false, {1, 1}});
  CHECK(halves.layers == joined(repeated(17, 0), repeated(15, 1)));   // 16 of 33 is less than a half
  CHECK(halves.output == 1);
  CHECK(place_layers(48, {99, false, {25, 24}}).layers == joined(repeated(25, 0), repeated(23, 1)));
  CHECK(place_layers(4, {5, false, {1, 0}}).layers == repeated(4, 0));
}

TEST_CASE("a quantised row is followed by room for the next 512 numbers, on the GPU only", "[llama.cpp]") {
  const Format& q8 = *find_format("Q8_0");
  CHECK(bytes_in_buffer({4, 1024}, q8, true) == bytes(4 * 1088));
  CHECK(bytes_in_buffer({4, 1280}, q8, true) == bytes(5760));   // 4 × 1360 + 272 for 256 more, in steps of 128
  CHECK(bytes_in_buffer({4, 1280}, q8, false) == bytes(4 * 1360));
  CHECK(bytes_in_buffer({80}, *fp32, true) == bytes(384));
  CHECK(bytes_in_buffer({3}, *fp32, false) == bytes(32));
}

TEST_CASE("cells are padded for each slot, and once where slots share them", "[llama.cpp]") {
  CacheRoom room;
  room.slots = 3;
  room.tokens = 10000;
  CHECK(room.cells(0) == 3 * 3584);   // 10240 / 3, padded
  room.shared = true;
  CHECK(room.cells(0) == 10240);
  CHECK(room.cells(1024) == 3584);    // a window for each slot and one batch
  room.shared = false;
  CHECK(room.cells(1024) == 3 * 1536);
  CHECK(room.cells(4096) == 3 * 3584);
  room.windows = false;
  CHECK(room.cells(1024) == 3 * 3584);
}

TEST_CASE("what a layer keeps is read off the tensors it has", "[llama.cpp]") {
  GgufFile file;
  file.model.heads = 4;
  file.model.kv_heads = 2;
  file.tensors = {tensor("attn_k", 0, {128, 256}), tensor("attn_v", 0, {64, 256}), tensor("attn_output", 0, {256, 256}),
                  tensor("attn_kv_a_mqa", 1, {576, 256}), tensor("indexer.attn_k", 1, {32, 256}),
                  tensor("ssm_conv1d", 2, {640, 1, 4}), tensor("ssm_out", 2, {256, 512}),
                  tensor("attn_qkv", 3, {512, 256}), tensor("attn_output", 3, {256, 256}),
                  tensor("shortconv.conv", 4, {256, 1, 3}), tensor("ffn_up", 5, {512, 256})};
  LayerFields fields;
  fields.state = 16;
  const std::vector<LayerMemory> l = layer_memories(file, fields, 6);
  CHECK((l[0].keys == 128 && l[0].values == 64 && l[0].inputs == 0));
  CHECK((l[1].keys == 576 && l[1].values == 0 && l[1].index_keys == 32));
  CHECK((l[2].keys == 0 && l[2].inputs == 640 * 3 && l[2].state == 512 * 16));
  CHECK((l[3].keys == 128 && l[3].values == 128));
  CHECK((l[4].keys == 0 && l[4].inputs == 256 * 2 && l[4].state == 0));
  CHECK((l[5].keys == 0 && l[5].inputs == 0));
  const std::vector<CacheTensor> kept = cache_tensors(l, {.slots = 2, .tokens = 512, .states = 3});
  double states = 0;
  for (const CacheTensor& t : kept)
    if (t.component == Component::recurrent_state) states += in(bytes, stored_bytes(t.shape, *t.format));
  CHECK(states == 4 * 2 * 3 * (640 * 3 + 512 * 16 + 256 * 2));
}

TEST_CASE("the token table lies in main memory, everything else on the GPU", "[llama.cpp]") {
  const Json answer = estimated(request());
  REQUIRE(answer["ok"] == true);
  const Json gpu = answer["devices"][0], host = answer["devices"][1];
  CHECK((gpu["role"] == "gpu" && host["role"] == "host"));
  CHECK(component(gpu, "weights") == 4 * layer_bytes + table + norm);   // the head
  CHECK(component(gpu, "kv-cache") == 4 * cache_of_layer);
  CHECK(component(host, "weights") == table);
  CHECK(component(host, "workspace") > 0);
  CHECK_FALSE(host.contains("fits"));
}

TEST_CASE("Ollama makes both batches as large as num_batch, so that a batch beyond 2048 is one", "[llama.cpp]") {
  const auto buffer = [](Json options, Json inference) {
    const Json answer = estimated(request(std::move(options), std::move(inference)));
    REQUIRE(answer["ok"] == true);
    return component(answer["devices"][0], "workspace");
  };
  const Json large = {{"prefillTokens", 4096}, {"sequences", 8}};
  CHECK(buffer({{"engine", "ollama"}}, large) == buffer({{"n_batch", 4096}}, large));
  CHECK(buffer({{"engine", "ollama"}}, large) > buffer({{"n_batch", 2048}}, large));
  CHECK(buffer({{"engine", "ollama"}, {"n_batch", 1024}}, large) == buffer({{"n_batch", 1024}}, large));
  CHECK(buffer({{"engine", "ollama"}}, Json::object()) == buffer(Json::object(), Json::object()));   // 512 rows at a time either way
  const Json answer = estimated(request({{"engine", "ollama"}}));
  CHECK(answer["scenario"]["engine"]["options"]["engine"] == "ollama");
  CHECK(answer["assumptions"].dump().find("OLLAMA_NUM_PARALLEL") != std::string::npos);
  CHECK(issues_of(request({{"engine", "lm-studio"}})).size() == 1);
}

TEST_CASE("layers that stay in main memory keep their cache there", "[llama.cpp]") {
  const Json answer = estimated(request({{"n_gpu_layers", 3}}));
  const Json gpu = answer["devices"][0], host = answer["devices"][1];
  CHECK(component(gpu, "weights") == 2 * layer_bytes + table + norm);
  CHECK(component(gpu, "kv-cache") == 2 * cache_of_layer);
  CHECK(component(host, "weights") == 2 * layer_bytes + table);
  CHECK(component(host, "kv-cache") == 2 * cache_of_layer);
  CHECK(answer["kvCache"]["bytes"] == 4 * cache_of_layer);
  CHECK(estimated(request(Json::object(), {{"offload", {{"layers", 2}}}}))["devices"] == answer["devices"]);
  const Json held_back = estimated(request({{"no_kv_offload", true}}));
  CHECK(component(held_back["devices"][0], "kv-cache") == 0);
  CHECK(component(held_back["devices"][1], "kv-cache") == 4 * cache_of_layer);
}

TEST_CASE("two GPUs are two devices, the fuller one first", "[llama.cpp]") {
  Json two = request();
  two["parallel"] = {{"pipeline", 2}};
  const Json devices = estimated(two)["devices"];
  REQUIRE(devices.size() == 3);
  CHECK((devices[0]["role"] == "stage 0" && devices[1]["role"] == "stage 1" && devices[2]["role"] == "host"));
  CHECK(component(devices[0], "weights") == 3 * layer_bytes);
  CHECK(component(devices[1], "weights") == layer_bytes + table + norm);
  two["engine"]["options"]["tensor_split"] = {1, 4};
  CHECK(estimated(two)["devices"][0]["role"] == "stage 1");
  two["engine"]["options"]["tensor_split"] = {1, 1, 1};
  CHECK(issues_of(two) == std::map<std::string, std::string>{{"engine.options.tensor_split", "contradiction"}});
}

TEST_CASE("tensors of a device add up to what it holds", "[llama.cpp]") {
  Json listed = request({{"n_gpu_layers", 3}});
  listed["detail"] = "tensors";
  const Json answer = estimated(listed);
  for (const Json& device : answer["devices"]) {
    double sum = 0, components = 0;
    for (const Json& t : device["tensors"]) sum += t["bytes"].get<double>();
    for (const Json& c : device["components"]) components += c["bytes"].get<double>();
    CHECK(sum == device["allocatedBytes"].get<double>());
    CHECK(components == device["allocatedBytes"].get<double>());
  }
}

TEST_CASE("an encoder under llama.cpp is answered from its inventory, or refused without one", "[llama.cpp]") {
  const Json config = {{"model_type", "bert"}, {"architectures", {"BertModel"}}, {"hidden_size", 64}, {"num_hidden_layers", 2},
                       {"num_attention_heads", 4}, {"intermediate_size", 128}, {"vocab_size", 100}, {"max_position_embeddings", 512}};
  const Json encoder = {{"model", {{"config", config}}}, {"engine", {{"name", "llama.cpp"}}}};
  CHECK(issues_of(encoder) == std::map<std::string, std::string>{{"weights", "unsupported"}});
  const Json items = {{"embeddings.word_embeddings.weight", "vocab_size", "hidden_size"}, {"pooler.dense.weight", "hidden_size", "hidden_size"}};
  const Json facts = {{"architectures", {{"bert", {{"fields", Json::object()}, {"main", "BertModel"}, {"classes", {{"BertModel", items}}}}}}}};
  const Json answer = estimated(encoder, facts);
  REQUIRE(answer["ok"] == true);
  CHECK(component(answer["devices"].back(), "weights") == 100 * 64 * 2);
  CHECK(answer["kvCache"]["bytes"] == 0);
}

TEST_CASE("a file's header tells what its layers keep", "[llama.cpp]") {
  const Json metadata = {{"general.architecture", "a"}, {"a.block_count", 4}, {"a.attention.head_count_kv", 2}, {"a.attention.key_length", 128},
                         {"a.attention.value_length", 64}, {"a.attention.sliding_window", 512}, {"a.attention.sliding_window_pattern", {true, true, true, false}}};
  Json header = {{"model", {{"gguf", {{"metadata", metadata}, {"tensors", Json::array()}}}}}, {"inference", {{"contextTokens", 8192}, {"prefillTokens", 512}}}};
  Json answer = estimated(header);
  REQUIRE(answer["ok"] == true);
  CHECK(answer["kvCache"]["bytes"] == 2 * (2 * 128 + 2 * 64) * (8192 + 3 * 1024));
  CHECK(estimated(answer["scenario"])["devices"] == answer["devices"]);
  header["model"]["gguf"]["tensors"] = {{{"name", "token_embd.weight"}, {"type", "Q8_0"}, {"shape", {256, 1000}}},
                                        {{"name", "blk.3.ffn_up.weight"}, {"type", "F16"}, {"shape", {256, 512}}},
                                        {{"name", "output.weight"}, {"type", "F32"}, {"shape", {256, 1000}}}};
  answer = estimated(header);
  CHECK(answer["parameters"]["total"] == 2 * 256 * 1000 + 256 * 512);
  CHECK(component(answer["devices"][0], "weights") == 2 * 256 * 512 + 4 * 256 * 1000);
  CHECK(component(answer["devices"][1], "weights") == 1000 * 256 / 32 * 34);
  header["model"]["gguf"]["tensors"][0]["type"] = "Q9";
  CHECK(issues_of(header) == std::map<std::string, std::string>{{"model.gguf.tensors", "wrong-type"}});
  header["task"] = "training";
  CHECK(issues_of(header).contains("model.gguf"));
}

TEST_CASE("a hybrid's header tells attention from states", "[llama.cpp]") {
  Json metadata = {{"general.architecture", "h"}, {"h.block_count", 4}, {"h.embedding_length", 256}, {"h.attention.head_count", 4},
                   {"h.attention.head_count_kv", {0, 0, 2, 0}}, {"h.feed_forward_length", {0, 512, 0, 0}}, {"h.ssm.inner_size", 512},
                   {"h.ssm.state_size", 16}, {"h.ssm.group_count", 2}, {"h.ssm.conv_kernel", 4}};
  const auto kept = [&](const char* id) {
    return component(estimated({{"model", {{"gguf", {{"metadata", metadata}}}}}, {"inference", {{"contextTokens", 256}}}})["devices"][0], id);
  };
  CHECK(kept("recurrent-state") == 4 * 2 * (3 * (512 + 2 * 2 * 16) + 512 * 16));   // layers 0 and 3
  CHECK(kept("kv-cache") == 2 * 2 * 2 * 64 * 256);
  metadata["h.attention.head_count_kv"] = 2;
  metadata["h.full_attention_interval"] = 4;
  CHECK(kept("recurrent-state") == 4 * 3 * (3 * (512 + 2 * 2 * 16) + 512 * 16));
  CHECK(kept("kv-cache") == 2 * 2 * 2 * 64 * 256);
}
