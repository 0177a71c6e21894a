// Caches of other kinds than transformers' growing one, against the same passes run one by one.
#include <algorithm>

#include "engines/exllama.hpp"
#include "engines/mlx.hpp"
#include "layers/quantized_cache.hpp"
#include "support/hand_sums.hpp"

using namespace gpumem;

namespace {

Bytes cached(const Machine& m) { return m.memory.ledger.parts()[Component::kv_cache]; }

void pass(Machine& m, const CacheQuantization& how, PackedLayer& layer, double rows) {
  const Value key = m.allocate({3, 2, rows, 64}, bf16, "key"), value = m.allocate({3, 2, rows, 64}, bf16, "value");
  update_packed(m, how, layer, key, value);
}

/// Rows of a growing cache whose passes are whole steps, as each leaves them.
double rows_by_passes(const MlxCache& c) {
  double rows = 0, held = 0;
  while (held < c.context) {
    const double unread = c.prompt - 1 - held, added = unread > 0 ? std::min(c.chunk, unread) : 1;
    while (rows < held + added) rows += 256;
    held += added;
  }
  return rows;
}

}  // namespace

TEST_CASE("a quantised cache that is stretched is what single passes make of it") {
  for (const auto backend : {CacheQuantization::Backend::quanto, CacheQuantization::Backend::hqq, CacheQuantization::Backend::fp8})
    for (const double newest : {0.0, 1.0, 5.0, 24.0, 100.0})
      for (const double after : {1.0, 4.0, 5.0, 23.0}) {
        const CacheQuantization how{backend, 4, 64, newest};
        Machine one_by_one, stretched;
        PackedLayer a, b;
        pass(one_by_one, how, a, 7);
        pass(stretched, how, b, 7);
        for (double i = 0; i < after; ++i) pass(one_by_one, how, a, 1);
        pass(stretched, how, b, 1);
        stretch_packed(stretched, how, b, 7 + after);
        CAPTURE(static_cast<int>(backend), newest, after);
        CHECK(cached(one_by_one) == cached(stretched));
      }
}

TEST_CASE("packing is told before it comes") {
  const CacheQuantization how{CacheQuantization::Backend::quanto, 4, 64, 5};
  Machine m;
  PackedLayer layer;
  pass(m, how, layer, 7);
  pass(m, how, layer, 1);
  CHECK(last_packing(how, layer, 11) == 0);
  CHECK(last_packing(how, layer, 12) == 12);
  CHECK(last_packing(how, layer, 16) == 12);
  CHECK(last_packing(how, layer, 29) == 27);
  const Bytes before = cached(m);
  for (int i = 0; i < 4; ++i) pass(m, how, layer, 1);
  CHECK(layer.packed == 12);
  CHECK(layer.waiting == 0);
  CHECK(cached(m) > before);
}

TEST_CASE("mlx-lm's rows are those of its passes") {
  for (const double prompt : {1.0, 2.0, 257.0, 2048.0, 2049.0, 5000.0})
    for (const double more : {0.0, 1.0, 255.0, 700.0}) {
      const MlxCache c{prompt, prompt + more};
      CAPTURE(prompt, more);
      CHECK(mlx_rows(c) == rows_by_passes(c));
    }
  CHECK(mlx_rows({4096, 4096, 2048, 1024}) == 1023 + 2047);
  CHECK(mlx_rows({100, 5000, 2048, 1024}) == 1024);
  CHECK(mlx_rows({100, 300, 2048, 1024}) == 99 + 256);
}

TEST_CASE("ExLlama's caches go by their mode") {
  ExllamaCache c;
  CHECK(exllama_row(c, 1024) == bytes(4096));
  REQUIRE(exllama_cache_of("Q6", false, c));
  CHECK(exllama_row(c, 1024) == bytes(1024 + 512 + 128));
  REQUIRE(exllama_cache_of("Q6", true, c));
  CHECK(exllama_row(c, 1024) == bytes(768 + 768 + 128));
  REQUIRE(exllama_cache_of("FP8", false, c));
  CHECK(exllama_row(c, 1024) == bytes(2048));
  REQUIRE(exllama_cache_of("3,2", true, c));
  CHECK(exllama_row(c, 1024) == bytes(384 + 256 + 128));
  for (const char* wrong : {"FP8", "8,9", "1,4", "84", "q4", ""}) CHECK_FALSE(exllama_cache_of(wrong, true, c));
  CHECK_FALSE(exllama_cache_of("8,4", false, c));
}
