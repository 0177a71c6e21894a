// What a layer keeps for backward, against sums of saved tensors that were met to the byte by PyTorch's own.
// h hidden, f feed-forward width, a heads, k key/value heads, d head width, s tokens; bytes per token unless said.

#include "support/models.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

constexpr double random_states = 2 * 512;   // of fused attention, a layer
constexpr double T = 128;                   // one sequence of 128 tokens: every tensor is a multiple of 512 bytes

const Sizes grouped = {};
const Sizes ungrouped = {.h = 256, .f = 512, .a = 4, .k = 4, .d = 64, .v = 512};
const Setting flash = {}, eager = {.kernel = AttentionKernel::eager}, sdpa = {.kernel = AttentionKernel::sdpa};

double plain(const Sizes& z) { return 16 * z.h + 4 * z.a * z.d + 4 * z.k * z.d + 8 * z.f + 4 * z.a + 8; }

/// Elements of the matrices of a gated layer.
double matrices(const Sizes& z) { return 2 * z.h * z.a * z.d + 2 * z.h * z.k * z.d + 3 * z.h * z.f; }

}  // namespace

TEST_CASE("a layer with RMSNorm, rotary and a gated MLP keeps 16h + 4ad + 4kd + 8f + 4a + 8", "[layers]") {
  for (const Sizes& z : {grouped, ungrouped}) {
    CHECK(saved_by_layer("llama", z, flash) == T * plain(z) + random_states);
    CHECK(saved_by_layer("mistral", z, flash) == T * plain(z) + random_states);
    CHECK(saved_by_layer("qwen2", z, flash) == T * plain(z) + random_states);   // biases keep nothing
  }
  CHECK(plain({.h = 4096, .f = 14336, .a = 32, .k = 8, .d = 128}) == 200840);
}

TEST_CASE("what a layer keeps grows with tokens and sequences alike", "[layers]") {
  const Setting more = {.sequences = 2, .tokens = 256};
  CHECK(saved_by_layer("llama", grouped, more) == 4 * T * plain(grouped) + random_states);
}

TEST_CASE("in fp32 each norm keeps its input once: 24h + 8ad + 8kd + 16f + 4a + 8", "[layers]") {
  const Sizes& z = ungrouped;
  const Setting s = {.kernel = AttentionKernel::sdpa, .weights = fp32};
  CHECK(saved_by_layer("llama", z, s) == T * (24 * z.h + 8 * z.a * z.d + 8 * z.k * z.d + 16 * z.f + 4 * z.a + 8) + random_states);
}

TEST_CASE("in fp32 grouped heads run through scores that are kept: 24h + 16ad + 16f + 8 + 4as", "[layers]") {
  const Sizes& z = grouped;
  const Setting s = {.kernel = AttentionKernel::sdpa, .weights = fp32};
  CHECK(saved_by_layer("llama", z, s) == T * (24 * z.h + 16 * z.a * z.d + 16 * z.f + 8 + 4 * z.a * T));
}

TEST_CASE("under autocast a layer keeps 26h + 4ad + 4kd + 8f + 4a + 8 and a copy of every matrix", "[layers]") {
  for (const Sizes& z : {grouped, ungrouped}) {
    const Setting s = {.weights = fp32, .autocast = bf16};
    CHECK(saved_by_layer("llama", z, s) == T * (plain(z) + 10 * z.h) + random_states + 2 * matrices(z));
  }
  CHECK(plain({.h = 4096, .f = 14336, .a = 32, .k = 8, .d = 128}) + 10 * 4096 == 241800);
}

TEST_CASE("eager attention keeps 6as of probabilities and repeated keys and values, and no sums", "[layers]") {
  const Sizes& z = grouped;
  const double repeated = 4 * (z.a - z.k) * z.d, scores = 6 * z.a * T;
  CHECK(saved_by_layer("llama", z, eager) == T * (plain(z) - 4 * z.a + repeated + scores));
  const Setting cast = {.kernel = AttentionKernel::eager, .weights = fp32, .autocast = bf16};
  CHECK(saved_by_layer("llama", z, cast) == T * (plain(z) + 10 * z.h - 4 * z.a + repeated + scores) + 2 * matrices(z));
  const Sizes& u = ungrouped;
  const Setting full = {.kernel = AttentionKernel::eager, .weights = fp32};
  CHECK(saved_by_layer("llama", u, full) == T * (24 * u.h + 8 * u.a * u.d + 8 * u.k * u.d + 16 * u.f + 8 + 4 * u.a * T));
}

// Kept are the fp32 softmax, the mask and the dropped bf16 copy; the copy before it is kept by nobody: a cast keeps
// nothing, and the product takes the dropped one.
TEST_CASE("attention dropout adds a mask, its result takes the place of the undropped copy", "[layers]") {
  const Sizes& z = grouped;
  const double without = saved_by_layer("llama", z, eager);
  CHECK(saved_by_layer("llama", z, eager, {{"attention_dropout", 0.1}}) == without + z.a * T * T);
  CHECK(saved_by_layer("llama", z, flash, {{"attention_dropout", 0.1}}) == T * plain(z) + random_states);   // no mask
}

TEST_CASE("sdpa without a mask keeps what flash attention keeps", "[layers]") {
  CHECK(saved_by_layer("llama", grouped, sdpa) == saved_by_layer("llama", grouped, flash));
}

TEST_CASE("sdpa with a window shorter than the sequence keeps all heads' keys and values, and its mask", "[layers]") {
  const Sizes& z = grouped;
  const double mask = 2 * T * T;
  CHECK(saved_by_layer("mistral", z, sdpa, {{"sliding_window", 64}}) == T * (plain(z) + 4 * (z.a - z.k) * z.d) + mask + random_states);
  CHECK(saved_by_layer("mistral", z, sdpa, {{"sliding_window", 4096}}) == T * plain(z) + random_states);
}

TEST_CASE("norms over single heads keep 6(a + k)d + 4(a + k)", "[layers]") {
  const Sizes& z = grouped;
  CHECK(saved_by_layer("qwen3", z, flash) == T * (plain(z) + 6 * (z.a + z.k) * z.d + 4 * (z.a + z.k)) + random_states);
}

TEST_CASE("norms with one plus the weight keep 10h before a linear and 8h after one", "[layers]") {
  const Sizes& z = grouped;
  const double vector = 4 * z.h;   // 1 + weight in fp32, a norm
  CHECK(saved_by_layer("gemma", z, flash) == T * (plain(z) + 4 * z.h) + random_states + 2 * vector);
  CHECK(saved_by_layer("gemma2", z, flash) == T * (plain(z) + 20 * z.h + 8) + random_states + 4 * vector);
}

TEST_CASE("such norms over single heads keep 8(a + k)d + 4(a + k)", "[layers]") {
  const Sizes& z = grouped;
  const double vectors = 4 * 4 * z.h + 2 * 4 * z.d;
  CHECK(saved_by_layer("gemma3_text", z, flash) ==
        T * (plain(z) + 20 * z.h + 8 + 8 * (z.a + z.k) * z.d + 4 * (z.a + z.k)) + random_states + vectors);
}

TEST_CASE("a soft cap on scores keeps one more tensor of them", "[layers]") {
  const Sizes& z = grouped;
  const double capped = saved_by_layer("gemma2", z, eager);
  const double uncapped = saved_by_layer("gemma2", z, eager, {{"attn_logit_softcapping", nullptr}});
  CHECK(capped - uncapped == 2 * z.a * T * T);
}

TEST_CASE("joint projections stay whole, and glued heads are copied", "[layers]") {
  const Sizes& z = grouped;
  const double phi = T * (plain(z) + 2 * (z.a + z.k) * z.d + 2 * z.a * z.d) + random_states;
  CHECK(saved_by_layer("phi3", z, flash) == phi);
  CHECK(saved_by_layer("phi3", z, flash, {{"partial_rotary_factor", 0.5}}) == phi);
}

TEST_CASE("a parallel layer with LayerNorm and partial rotary keeps 20h + 4f + 4a + 16", "[layers]") {
  const Sizes& z = ungrouped;
  CHECK(saved_by_layer("gpt_neox", z, flash) == T * (20 * z.h + 4 * z.f + 4 * z.a + 16) + random_states);
}

TEST_CASE("GELU written out keeps 10f, ReLU 2f", "[layers]") {
  const Sizes& z = ungrouped;
  const nlohmann::ordered_json quiet = {{"n_inner", z.f}, {"attn_pdrop", 0}, {"resid_pdrop", 0}, {"embd_pdrop", 0}};
  CHECK(saved_by_layer("gpt2", z, flash, quiet) == T * (16 * z.h + 10 * z.f + 4 * z.a + 16) + random_states);
  nlohmann::ordered_json fused = quiet;
  fused["activation_function"] = "gelu";
  CHECK(saved_by_layer("gpt2", z, flash, fused) == T * (16 * z.h + 4 * z.f + 4 * z.a + 16) + random_states);
  CHECK(saved_by_layer("opt", z, flash, {{"ffn_dim", z.f}, {"dropout", 0}}) ==
        T * (16 * z.h + 2 * z.f + 4 * z.a + 16) + random_states);
}

TEST_CASE("dropout behind a sub-layer keeps a byte an element", "[layers]") {
  const Sizes& z = ungrouped;
  CHECK(saved_by_layer("opt", z, flash, {{"ffn_dim", z.f}, {"dropout", 0.1}}) ==
        T * (16 * z.h + 2 * z.f + 4 * z.a + 16 + 2 * z.h) + random_states);
}

TEST_CASE("eager attention with a softmax in bf16 keeps 2as, and 5as with dropout", "[layers]") {
  const Sizes& z = ungrouped;
  nlohmann::ordered_json quiet = {{"n_inner", z.f}, {"attn_pdrop", 0}, {"resid_pdrop", 0}, {"embd_pdrop", 0}};
  const double base = 16 * z.h + 10 * z.f + 16;
  CHECK(saved_by_layer("gpt2", z, eager, quiet) == T * (base + 2 * z.a * T));
  quiet["attn_pdrop"] = 0.1;
  CHECK(saved_by_layer("gpt2", z, eager, quiet) == T * (base + 5 * z.a * T));
}

TEST_CASE("full checkpointing keeps a layer's input only", "[layers]") {
  for (const char* type : {"llama", "gemma2", "gemma3_text", "phi3", "qwen3"}) {
    CAPTURE(type);
    Setting s = {.checkpointing = true};
    CHECK(saved_by_layer(type, grouped, s) == 2 * T * grouped.h);
    s.kernel = AttentionKernel::eager;
    CHECK(saved_by_layer(type, grouped, s) == 2 * T * grouped.h);
    s.weights = fp32;
    CHECK(saved_by_layer(type, grouped, s) == 4 * T * grouped.h);
    s.autocast = bf16;
    CHECK(saved_by_layer(type, grouped, s) == 4 * T * grouped.h);
  }
}

TEST_CASE("outside its layers a model keeps the final norm, the rotary tables and the token ids", "[layers]") {
  const Sizes& z = grouped;
  for (const int layers : {1, 3}) {
    const double kept = saved_by(decoder(config("llama", z, layers)), flash);
    CHECK(kept == layers * (T * plain(z) + random_states) + T * (8 * z.h + 4) + 4 * z.d * T + 8 * T);
  }
}
