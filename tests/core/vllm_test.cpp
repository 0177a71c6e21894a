// vLLM's planning of its cache, with groups, blocks and pools worked by hand; and what is loaded and measured before it.

#include <catch2/catch.hpp>

#include "engines/sglang.hpp"
#include "engines/vllm/cache_specs.hpp"
#include "engines/vllm/eagle.hpp"
#include "engines/vllm/loaded_weights.hpp"
#include "engines/vllm/lora_slots.hpp"
#include "engines/vllm/pool.hpp"
#include "engines/vllm/predictors.hpp"
#include "engines/vllm/profile.hpp"
#include "placement/expert_replicas.hpp"
#include "placement/tensor_parallel.hpp"

using namespace gpumem;
using namespace gpumem::vllm;

namespace {

using Kind = CacheSpec::Kind;

/// 16 tokens of `heads` heads of 128 numbers, keys and values, in 16 bits.
CacheSpec spec(Kind kind, double layers, double reach = 0, double heads = 8) {
  CacheSpec s;
  s.kind = kind;
  s.layers = layers;
  s.page = bytes(16 * heads * 128 * 2 * 2);
  s.reach = reach;
  return s;
}

double count(Bytes b) { return in(bytes, b); }

Decoder small(double layers, double heads, double kv_heads) {
  Decoder m;
  m.vocabulary = 1000;
  m.hidden = 512;
  DecoderLayer l;
  l.attention.heads = heads;
  l.attention.kv_heads = kv_heads;
  l.attention.head_dim = 128;
  l.mlp.width = 2048;
  m.layers.assign(static_cast<std::size_t>(layers), l);
  return m;
}

}  // namespace

TEST_CASE("layers that all keep everything are one group, whose block holds a page of each", "[vllm]") {
  const CacheGroups g = group_layers({spec(Kind::full, 20), spec(Kind::full, 12)}, true);
  REQUIRE(g.groups.size() == 1);
  CHECK(count(g.block) == 32 * 65536);
  const vllm::Pool pool = pool_of_size(g, {4096, 16384}, gib(6));
  CHECK(pool.blocks == 3072);
  CHECK(count(pool.size()) == count(gib(6)));
  CHECK(count(pool.request()) == 256.0 * 32 * 65536);
  CHECK(tokens_that_fit(pool, 4096) == 49152);
}

TEST_CASE("a window holds what is under way too, and may begin inside a block", "[vllm]") {
  // 32 layers with a window of 2047 tokens: min(2046 + 16384, 4096) / 16 + 1 blocks.
  const CacheGroups g = group_layers({spec(Kind::window, 32, 2047)}, true);
  CHECK(blocks_of_request(g.groups[0].spec, {4096, 16384}) == 257);
  CHECK(blocks_of_request(g.groups[0].spec, {32768, 4096}) == 385);   // 6142 tokens
  CHECK(blocks_of_request(spec(Kind::chunk, 1, 8192), {32768, 4096}) == 768);
  CHECK(blocks_of_request(spec(Kind::full, 1), {32768, 4096}) == 2048);
}

TEST_CASE("groups are as large as the rarest kind of layer, the last one filled up", "[vllm]") {
  // Gemma 3 27B: 10 layers see everything, 52 have a window: 1 + 6 groups of 10, 8 layers of which do not exist.
  const CacheGroups g = group_layers({spec(Kind::full, 10), spec(Kind::window, 52, 1024)}, true);
  REQUIRE(g.groups.size() == 2);
  CHECK(g.groups[0].count == 1);
  CHECK(g.groups[1].count == 6);
  CHECK(count(g.block) == 10 * 65536);
  // 13 and 12: less than half again as many, so the groups are of 13.
  const CacheGroups near = group_layers({spec(Kind::full, 13), spec(Kind::window, 12, 128)}, true);
  CHECK(near.groups[0].count + near.groups[1].count == 2);
  CHECK(count(near.block) == 13 * 65536);
  // Without the hybrid manager all are billed as full.
  CHECK(group_layers({spec(Kind::full, 10), spec(Kind::window, 52, 1024)}, false).groups.size() == 1);
}

TEST_CASE("smaller pages take more tokens, or are padded where that leaves a rest", "[vllm]") {
  const CacheGroups twice = group_layers({spec(Kind::full, 4, 0, 4), spec(Kind::window, 4, 512, 8)}, true);
  REQUIRE(twice.groups.size() == 2);
  CHECK(twice.groups[0].spec.block_tokens == 32);
  CHECK(count(twice.block) == 4 * 65536);
  const CacheGroups padded = group_layers({spec(Kind::full, 4, 0, 5), spec(Kind::window, 4, 512, 8)}, true);
  CHECK(padded.groups[0].spec.block_tokens == 16);
  CHECK(count(padded.groups[0].spec.page) == 65536);
}

TEST_CASE("a latent's pages cannot be padded to another layer's", "[vllm]") {
  CacheSpec latent = spec(Kind::full, 4);
  latent.latent = true;
  latent.page = bytes(64 * 576 * 2);
  CHECK_FALSE(group_layers({latent, spec(Kind::window, 4, 512, 16)}, true).packed);
}

TEST_CASE("attention's blocks grow until a recurrent state fits into one", "[vllm]") {
  // Qwen3-Next on one of two GPUs: 12 layers of attention with 1 head of 256, 36 with a state of 548,864 B.
  CacheRows rows;
  rows.rows.push_back({"keys and values", 12, 2 * 2 * 256, 0, 0, false, false, 2});
  rows.rows.push_back({"convolution state", 36, 0, 0, 8192 * 4, true, false, 0, 4});
  rows.rows.push_back({"state", 36, 0, 0, 32 * 128 * 128, true, true});
  SpecPlan plan{bf16, bf16, bf16, 16, 2, 1};
  const std::vector<CacheSpec> specs = specs_of(rows, plan);
  REQUIRE(specs.size() == 2);
  CHECK(specs[0].block_tokens == 544);
  CHECK(count(specs[1].page) == 544 * 1024);
  const CacheGroups g = group_layers(specs, true);
  CHECK(g.groups[0].count + g.groups[1].count == 4);
  CHECK(count(g.block) == 12 * 544 * 1024);
}

TEST_CASE("each GPU has at least one head of keys and values", "[vllm]") {
  CHECK(heads_of_rank(8, 2) == 4);
  CHECK(heads_of_rank(2, 4) == 1);
  const SpecPlan plan{bf16, bf16, bf16, 16, 4, 1};
  CHECK(count(specs_of(small(1, 8, 2), plan)[0].page) == 16 * 128 * 2 * 2);
  const Decoder rank = decoder_of_rank(small(1, 8, 2), 4);
  CHECK(rank.vocabulary == 256);   // 1000 rows padded to 1024
  CHECK(rank.layers[0].attention.heads == 2);
  CHECK(rank.layers[0].attention.kv_heads == 1);
  CHECK(rank.layers[0].mlp.width == 512);
}

TEST_CASE("tensors known by their names are cut by rows, by columns or not at all", "[vllm]") {
  const StoredTensors cut = tensors_of_rank({{"model.layers.0.self_attn.q_proj.weight", {4096, 512}},
                                             {"model.layers.0.self_attn.k_proj.weight", {256, 512}},
                                             {"model.layers.0.self_attn.o_proj.weight", {512, 4096}},
                                             {"model.layers.0.mlp.down_proj.weight", {512, 2048}},
                                             {"model.layers.0.mlp.gate.weight", {64, 512}},
                                             {"model.layers.0.input_layernorm.weight", {512}},
                                             {"model.embed_tokens.weight", {1000, 512}}},
                                            4, 2);
  CHECK(cut[0].shape == Shape{1024, 512});
  CHECK(cut[1].shape == Shape{128, 512});
  CHECK(cut[2].shape == Shape{512, 1024});
  CHECK(cut[3].shape == Shape{512, 512});
  CHECK(cut[4].shape == Shape{64, 512});
  CHECK(cut[5].shape == Shape{512});
  CHECK(cut[6].shape == Shape{256, 512});
}

TEST_CASE("joined linears take blocks of 2 MiB, unless more than 1 MiB is split off", "[vllm]") {
  const auto held = [](const char* label, double rows) { return Alive{Component::weights, 0, 0, label, {rows, 1024}, bf16, 1}; };
  CHECK(count(loaded_weights({held("mlp.down_proj.weight", 5632)})) == count(mib(12)));          // 11 MiB: 1 MiB is kept
  CHECK(count(loaded_weights({held("mlp.down_proj.weight", 5376)})) == count(mib(10.5)));        // 1.5 MiB are split off
  CHECK(count(loaded_weights({held("mlp.gate_proj.weight", 2816), held("mlp.up_proj.weight", 2816)})) == count(mib(12)));
  CHECK(count(loaded_weights({held("mlp.down_proj.weight", 100)})) == 204800);
}

TEST_CASE("the measured step is a layer's highest moment or the choice of the next tokens", "[vllm]") {
  ProfilePlan plan{8192, 4, 1000, bf16};
  const Parts layer = profiled_peak(small(2, 4, 2), plan);
  CHECK(count(layer.sum()) == 8192.0 * 2 * (2 * 512 + 3 * 2048));
  plan = {64, 64, 1e6, bf16};
  const Parts choice = profiled_peak(small(2, 4, 2), plan);
  CHECK(count(choice[Component::logits]) == 64e6 * 14);
  plan.sorts = true;
  CHECK(count(profiled_peak(small(2, 4, 2), plan)[Component::logits]) == 64e6 * 38);
}

TEST_CASE("versions are told by number, generation or year", "[vllm]") {
  CHECK_FALSE(version_of("0.32").before_graph_estimates);
  CHECK_FALSE(version_of("not stated").before_graph_estimates);
  CHECK(version_of("0.10.2").before_graph_estimates);
  CHECK(version_of("V1, Jul 2025 (ROCm)").before_graph_estimates);
  CHECK_FALSE(version_of("0.10.2").first_engine);
  CHECK(version_of("V0 0.7.x").first_engine);
}

TEST_CASE("SGLang's share of a card leaves a reserve by its size", "[sglang]") {
  CHECK(sglang_tier(24, 1).graph_batch == 24);
  CHECK(sglang_tier(24, 4).graph_batch == 80);
  // 24 GiB: 512 + 1.5 · 2048 + 2 · 24 + 128 = 3,760 MiB stay free.
  CHECK(sglang_static_share(gib(24), 2048, 24, 1) == Approx((24576.0 - 3760) / 24576));
  CHECK(sglang_static_share(gib(80), 8192, 256, 1) == Approx((81920.0 - 13440) / 81920));
}

TEST_CASE("Slots for adapters: a pair of matrices beside every linear of the layers", "[vllm]") {
  const StoredTensors tensors = {{"embed_tokens.weight", Shape{1000, 512}}, {"layers.0.q_proj.weight", Shape{1024, 512}, 0}, {"layers.0.norm.weight", Shape{512}, 0}};
  // 2 slots of rank 16 in 16 bits: 2 · 16 · (512 + 1024) · 2 bytes.
  CHECK(count(lora_slots(tensors, 2, 16, *bf16)) == 98304);
}

TEST_CASE("experts lie whole on the GPUs of all replicas, or are cut over them; the rest is cut over one replica's", "[vllm]") {
  Decoder m = small(2, 8, 8);
  ExpertsLayer e;
  e.experts = 16;
  e.width = 1536;
  e.shared_width = 768;
  m.layers[1].experts = e;
  const Decoder whole = decoder_of_replica(m, {2, 4, true}), cut = decoder_of_replica(m, {2, 4, false});
  CHECK(whole.layers[1].experts->width == 1536);
  CHECK(cut.layers[1].experts->width == 192);
  CHECK(whole.layers[1].experts->shared_width == 768);   // tokens are spread over the replica's GPUs
  CHECK(cut.layers[1].experts->shared_width == 384);
  CHECK(whole.layers[0].mlp.width == 1024);
  CHECK(whole.layers[1].attention.heads == 4);

  StoredTensor stacked;
  stacked.name = "model.layers.mlp.experts.gate_up_proj";
  stacked.shape = {16, 3072, 512};
  StoredTensor query;
  query.name = "model.layers.self_attn.q_proj.weight";
  query.shape = {1024, 512};
  const StoredTensors one = tensors_of_replica(StoredTensors{stacked, query}, {2, 4, true}, 8);
  REQUIRE(one.size() == 2);
  CHECK(one[0].shape[0] == 512);    // the query's rows, over two
  CHECK(one[1].shape[0] == 2);      // 16 experts over 8 GPUs
  CHECK(one[1].shape[1] == 3072);
}

TEST_CASE("layers that guess ahead are like the last one, with a product of two rows and three norms", "[vllm]") {
  const Decoder m = with_predictors(small(3, 8, 2), 2);
  CHECK(m.layers.size() == 5);
  REQUIRE(m.beside.size() == 2);
  CHECK(m.beside[0].copies * m.beside[0].shape[0] * m.beside[0].shape[1] == 2.0 * 512 * 1024);
  CHECK(m.beside[1].copies == 6);
  CHECK(with_predictors(small(3, 8, 2), 0).layers.size() == 3);
}

TEST_CASE("choices of a draft are checked: three rows of logits in 16 bits and five in 32 for each request", "[vllm]") {
  ProfilePlan plan{4, 2, 100000, bf16};
  plan.checks_drafts = true;
  const Parts parts = profiled_peak(small(1, 8, 2), plan);
  CHECK(count(parts[Component::logits]) == 2.0 * 100000 * (3 * 2 + 5 * 4));
}

TEST_CASE("a head that drafts has a product of what it reads, the third kind a second row of queries, keys and values", "[vllm]") {
  const Decoder m = small(1, 8, 2);
  EagleHead head;
  CHECK(count(beside_eagle_layers(head, m, *bf16)) == 2.0 * 512 * 512 * 2);
  CHECK(count(states_for_eagle(head, 100, 1024, *bf16)) == 0);
  head.third = true;
  head.states = 3;
  head.vocabulary = 1000;
  const double joined = 3 * 512 * 512, second_row = 512 * (8 + 2 * 2) * 128, norm = 512;
  CHECK(count(beside_eagle_layers(head, m, *bf16)) == (joined + second_row + norm) * 2 + 1000 * 8);
  CHECK(count(states_for_eagle(head, 100, 1024, *bf16)) == 3.0 * 100 * 1024 * 2);
}
