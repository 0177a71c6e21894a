// Multi-head latent attention: what it keeps for backward and what its cache holds. n heads, dn and dr columns of a
// query without and with a position, dv of a value, qr and r ranks of the latents; bytes per token.

#include "engines/transformers.hpp"
#include "support/models.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

using Json = nlohmann::ordered_json;

constexpr double T = 128, n = 4, dn = 64, dr = 32, dv = 48, qr = 128, r = 96;
const Sizes z = {};
const Setting sdpa = {.kernel = AttentionKernel::sdpa};

Json latent(bool low_rank_queries) {
  return {{"qk_nope_head_dim", dn}, {"qk_rope_head_dim", dr}, {"v_head_dim", dv}, {"kv_lora_rank", r},
          {"q_lora_rank", low_rank_queries ? Json(qr) : Json()}, {"first_k_dense_replace", 99}, {"num_experts_per_tok", 2}};
}

constexpr double random_states = 2 * 512;   // of fused attention, a layer

double kept(double query_rank) {
  const double norms_of_latents = 8 * (query_rank + r) + 4 + (query_rank > 0 ? 4 : 0);
  return 16 * z.h + 8 * z.f + norms_of_latents + 2 * n * (2 * (dn + dr) + 2 * dv) + 2 * n * dn + 4 * n + 8;
}

}  // namespace

TEST_CASE("latent attention keeps 8(qr + r) + 2n(2(dn + dr) + 2dv) + 2n dn + 4n", "[latent_attention]") {
  for (const char* type : {"deepseek_v2", "deepseek_v3"}) {
    CHECK(saved_by_layer(type, z, sdpa, latent(true)) == T * kept(qr) + random_states);
    CHECK(saved_by_layer(type, z, sdpa, latent(false)) == T * kept(0) + random_states);
  }
}

TEST_CASE("the cache holds one latent and one rotary key a token and layer", "[latent_attention]") {
  const Decoder model = decoder(config("deepseek_v3", z, 8, latent(true)));
  GenerationPlan plan;
  plan.sequences = 2;
  plan.prompt_tokens = plan.prefill_tokens = 64;
  plan.context_tokens = 96;
  Machine m;
  CHECK(in(bytes, run_generation(m, model, plan).cache) == 2 * 96 * 8 * 2 * (r + dr));
}

TEST_CASE("every step of decoding expands the keys and values of all cached tokens", "[latent_attention]") {
  const Decoder model = decoder(config("deepseek_v3", z, 2, latent(true)));
  const auto highest = [&](double context) {
    GenerationPlan plan;
    plan.prompt_tokens = plan.prefill_tokens = 64;
    plan.context_tokens = context;
    Machine m;
    run_generation(m, model, plan);
    double most = 0;
    for (const Stretch& s : m.memory.ledger.stretches())
      if (s.phase == "decode") most = std::max(most, in(bytes, s.highest));
    return most;
  };
  // The cache of two layers; the joint product and the assembled keys of one; eight of a token's number.
  const double cached = 2 * 2 * (r + dr), expanded = 2 * n * (dn + dv) + 2 * n * (dn + dr);
  CHECK(highest(8192) - highest(4096) == 4096 * (cached + expanded + 8));
}
