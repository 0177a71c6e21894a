// Highest moments of whole generations, against measured sums of what is alive then.

#include <algorithm>

#include "engines/transformers.hpp"
#include "support/hand_sums.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

struct Generated {
  std::unique_ptr<Machine> machine = std::make_unique<Machine>();
  double cache = 0;

  Generated(const Decoder& model, const GenerationPlan& p) { cache = in(bytes, run_generation(*machine, model, p, true).cache); }

  [[nodiscard]] const Stretch& highest(std::string_view phase) const {
    const Stretch* found = nullptr;
    for (const Stretch& s : machine->memory.ledger.stretches())
      if (s.phase == phase && (!found || s.highest > found->highest)) found = &s;
    return *found;
  }
};

GenerationPlan prompt_of(double prompt, double context, AttentionKernel kernel = AttentionKernel::flash) {
  GenerationPlan p;
  p.prompt_tokens = p.prefill_tokens = prompt;
  p.context_tokens = context;
  p.kernel = kernel;
  return p;
}

double cache_of(const Sizes& z, double layers, double tokens) { return layers * 2 * z.k * z.d * tokens * 2; }

}  // namespace

TEST_CASE("prefill's peak is W + KV + 8Th + 6Tf + 4sd + 8T + 8s, in the last layer", "[engines]") {
  for (const AttentionKernel kernel : {AttentionKernel::flash, AttentionKernel::sdpa}) {
    const Generated g(decoder(config("llama", sizes, 4)), prompt_of(T, T, kernel));
    const Stretch& peak = g.highest("prefill");
    CHECK(peak.layer == 3);
    CHECK(in(bytes, peak.highest) == 2 * of_model(sizes, 4) + buffers + cache_of(sizes, 4, T) + 8 * T * sizes.h +
                                         6 * T * sizes.f + 4 * T * sizes.d + 8 * T + 8 * T);
  }
}

TEST_CASE("prefill of several sequences counts positions once", "[engines]") {
  GenerationPlan p = prompt_of(T, T);
  p.sequences = 2;
  const Generated g(decoder(config("llama", sizes, 4)), p);
  CHECK(in(bytes, g.highest("prefill").highest) == 2 * of_model(sizes, 4) + buffers + cache_of(sizes, 4, 2 * T) +
                                                       2 * T * (8 * sizes.h + 6 * sizes.f + 8) + 4 * T * sizes.d + 8 * T);
}

TEST_CASE("a fused gate stays alive as two views: 2Tf more", "[engines]") {
  const Generated g(decoder(config("phi3", sizes, 4)), prompt_of(T, T));
  CHECK(in(bytes, g.highest("prefill").highest) == 2 * of_model(sizes, 4) + buffers + cache_of(sizes, 4, T) + 8 * T * sizes.h +
                                                       8 * T * sizes.f + 4 * T * sizes.d + 8 * T + 8 * T);
}

TEST_CASE("eager prefill holds ten bytes a score with repeated keys and values", "[engines]") {
  const double s = 512, scores = sizes.a * s * s;
  const Generated g(decoder(config("llama", sizes, 4)), prompt_of(s, s, AttentionKernel::eager));
  CHECK(in(bytes, g.highest("prefill").highest) ==
        2 * of_model(sizes, 4) + buffers + cache_of(sizes, 4, s) + 10 * scores +
            2 * s * (3 * sizes.h + sizes.a * sizes.d + 2 * sizes.a * sizes.d) + 2 * s * s + 4 * s * sizes.d + 8 * s + 8 * s);
}

TEST_CASE("the cache holds two rows a token and layer", "[engines]") {
  const Generated g(decoder(config("llama", sizes, 4)), prompt_of(T, 4 * T));
  CHECK(g.cache == cache_of(sizes, 4, 4 * T));
}

TEST_CASE("a long generation's last step holds the cache and one layer's keys or values twice", "[engines]") {
  const double c = 32 * T;
  const Generated g(decoder(config("llama", sizes, 4)), prompt_of(T, c));
  const Stretch& peak = g.highest("decode");
  CHECK(in(bytes, peak.parts[Component::kv_cache]) == cache_of(sizes, 4, c) + cache_of(sizes, 1, c - 1) / 2);
  const double rest = in(bytes, peak.highest) - 2 * of_model(sizes, 4) - in(bytes, peak.parts[Component::kv_cache]);
  CHECK(rest > 0);
  CHECK(rest < 8 * c + 32 * 1024);   // the token ids and tensors of one token
}

TEST_CASE("a layer with a window keeps the whole prompt until its first decode step", "[engines]") {
  const nlohmann::ordered_json window = {{"sliding_window", 64}};
  const Decoder model = decoder(config("mistral", sizes, 4, window));
  CHECK(Generated(model, prompt_of(T, T)).cache == cache_of(sizes, 4, T));
  CHECK(Generated(model, prompt_of(T, T + 1)).cache == cache_of(sizes, 4, 64));
  CHECK(Generated(model, prompt_of(T, 4 * T)).cache == cache_of(sizes, 4, 64));
  const Decoder mixed = decoder(config("gemma2", sizes, 4, window));   // every second layer
  CHECK(Generated(mixed, prompt_of(T, 4 * T)).cache == cache_of(sizes, 2, 64) + cache_of(sizes, 2, 4 * T));
  CHECK(Generated(mixed, prompt_of(32, 48)).cache == cache_of(sizes, 4, 48));   // shorter than the window
}

TEST_CASE("a fixed cache has room for all tokens from the start and a counter a layer", "[engines]") {
  GenerationPlan p = prompt_of(T, 4 * T);
  p.fixed_cache = true;
  const Generated g(decoder(config("llama", sizes, 4)), p);
  CHECK(g.cache == cache_of(sizes, 4, 4 * T));
  const Stretch& peak = g.highest("prefill");
  CHECK(in(bytes, peak.parts[Component::kv_cache]) == cache_of(sizes, 4, 4 * T));
  CHECK(in(bytes, peak.parts[Component::workspace]) == 4 * 8 + 2 * 4 * sizes.d / 2);   // counters, rotary frequencies
  const Generated windowed(decoder(config("mistral", sizes, 4, {{"sliding_window", 64}})), p);
  CHECK(windowed.cache == cache_of(sizes, 4, 64));
}

TEST_CASE("a short generation from a large vocabulary peaks at its logits: 6 bytes each", "[engines]") {
  Sizes z = sizes;
  z.v = 1 << 20;
  const Generated g(decoder(config("llama", z, 2)), prompt_of(8, 16));
  CHECK(in(bytes, g.highest("decode").parts[Component::logits]) == 6 * z.v);
}

TEST_CASE("a prompt in parts with a rest peaks in the last whole part, which looks back as far as that part allows", "[engines]") {
  const Decoder model = decoder(config("llama", sizes, 4));
  const auto highest = [&](double prompt, double parts) {
    GenerationPlan p = prompt_of(prompt, 4096);
    p.kernel = AttentionKernel::eager;
    p.prefill_tokens = parts;
    return in(bytes, Generated(model, p).highest("prefill").highest);
  };
  const double rest = rounded(8 * 4000) - rounded(8 * 3968);   // ids of all the tokens
  CHECK(highest(4000, 64) == highest(3968, 64) + rest);
}
