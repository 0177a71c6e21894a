// Attention kernels and the operations that move heads about.

#include "support/bench.hpp"

using namespace gpumem;
using gpumem::test::Bench;
using gpumem::test::trace;

namespace {

// Four query heads and two key heads of 64 over 128 tokens, in bf16.
constexpr double Q = 4 * 128 * 64 * 2, K = Q / 2, sums = 4 * 128 * 4, random_states = 2 * 512;
const Shape query = {1, 4, 128, 64}, key = {1, 2, 128, 64};

}  // namespace

TEST_CASE("flash attention keeps q, k, v, its output, the rows' sums and two random states", "[machine]") {
  const auto seen = trace([](Bench& b) {
    return b.m.flash_attention(b.hidden(query), b.hidden(key), b.hidden(key), Layout::token_major);
  });
  CHECK(seen.shape == query);
  CHECK(seen.format == bf16);
  const double saved = Q + 2 * K + Q + sums + random_states;
  CHECK(seen.forward == saved);
  CHECK(seen.saved == saved);
  CHECK(seen.backward == Q + saved + Q + 2 * K);
  CHECK(seen.gradients == 0);
}

TEST_CASE("flash attention makes the gradients that are wanted, and keeps all the same", "[machine]") {
  const auto seen = trace([](Bench& b) {
    return b.m.flash_attention(b.hidden(query), b.data(key), b.data(key), Layout::token_major);
  });
  const double saved = Q + 2 * K + Q + sums + random_states;
  CHECK(seen.saved == saved);
  CHECK(seen.backward == Q + saved + Q);
}

TEST_CASE("flash attention without gradients makes its output and the rows' sums, for a moment", "[machine]") {
  Bench b;
  b.m.recording = false;
  const Value q = b.data(query), k = b.data(key), v = b.data(key);
  b.m.memory.ledger.enter("forward", 0);
  const Value out = b.m.flash_attention(q, k, v, Layout::token_major);
  CHECK(in(bytes, b.m.memory.ledger.stretches().back().highest) == Q + 2 * K + Q + sums);
  CHECK(b.live() == Q + 2 * K + Q);
}

TEST_CASE("the output of flash attention and the input of the next linear are one tensor", "[machine]") {
  const auto seen = trace([](Bench& b) {
    Value out = b.m.flash_attention(b.hidden(query), b.hidden(key), b.hidden(key), Layout::token_major);
    return b.m.linear(b.m.flatten_heads(std::move(out)), b.weight({256, 256}), {}, "o");
  });
  CHECK(seen.saved == Q + 2 * K + Q + sums + random_states);
}

TEST_CASE("the memory-efficient kernel pads its sums to 32 rows, keeps a bias and two random states", "[machine]") {
  // 112 tokens: the sums have 128 rows a head.
  const Shape s = {1, 4, 112, 64};
  const double t = 4 * 112 * 64 * 4, padded = 4 * 128 * 4, random = 2 * 512, bias = 112 * 128 * 4;
  const auto plain = trace([&](Bench& b) {
    return b.m.efficient_attention(b.hidden(s, fp32), b.hidden(s, fp32), b.hidden(s, fp32), {});
  });
  CHECK(plain.shape == s);
  CHECK(plain.format == fp32);
  CHECK(plain.saved == 4 * t + padded + random);
  CHECK(plain.backward == t + 4 * t + padded + random + 3 * t);
  const auto biased = trace([&](Bench& b) {
    return b.m.efficient_attention(b.hidden(s, fp32), b.hidden(s, fp32), b.hidden(s, fp32), b.data({1, 1, 112, 128}, fp32));
  });
  CHECK(biased.saved == 4 * t + padded + random + bias);
  CHECK(biased.backward == t + 4 * t + padded + random + bias + 3 * t);   // no gradient of the bias
}

TEST_CASE("concatenation keeps nothing and its gradients are views", "[machine]") {
  const double half = 4 * 128 * 32 * 2;
  const Shape part = {1, 4, 128, 32};
  const auto seen = trace([&](Bench& b) { return b.m.cat(b.hidden(part), b.hidden(part), "both"); });
  CHECK(seen.shape == Shape{1, 4, 128, 64});
  CHECK(seen.forward == 4 * half);
  CHECK(seen.saved == 0);
  CHECK(seen.backward == 2 * half);
  CHECK(seen.gradients == 0);
}

TEST_CASE("a slice is a view that keeps its whole, and its gradient is as large as the whole", "[machine]") {
  const auto seen = trace([](Bench& b) { return b.m.slice(b.hidden(query), 32); });
  CHECK(seen.shape == Shape{1, 4, 128, 32});
  CHECK(seen.forward == Q);
  CHECK(seen.saved == 0);
  CHECK(seen.backward == Q / 2 + Q);
  Bench b;
  Value whole = b.hidden(query);
  const Value part = b.m.slice(std::move(whole), 32);
  CHECK(b.live() == Q);   // half of it is looked at, all of it lives
}

TEST_CASE("two slices of one tensor sum their gradients in place", "[machine]") {
  const auto seen = trace([](Bench& b) {
    const Value x = b.hidden(query);
    return b.m.cat(b.m.slice(x, 32), b.m.slice(x, 32), "both");
  });
  CHECK(seen.backward == 3 * Q);   // the cat's gradient, and zeros around each half
}

TEST_CASE("parts of a split are views, and parts nobody used come back as zeros", "[machine]") {
  const double T = 256 * 256 * 2;
  const Shape joint = {1, 256, 256};
  const auto one = trace([&](Bench& b) { return b.m.split(b.hidden(joint), {128, 64, 64})[0]; });
  CHECK(one.shape == Shape{1, 256, 128});
  CHECK(one.forward == T);
  CHECK(one.saved == 0);
  CHECK(one.backward == T / 2 + 2 * (T / 4) + T);   // a gradient, two of zeros, glued
  Bench b;
  std::vector<Value> parts = b.m.split(b.hidden(joint), {128, 64, 64});
  CHECK(parts[2]->shape == Shape{1, 256, 64});
  CHECK(b.live() == T);
  parts.resize(1);
  CHECK(b.live() == T);   // one part keeps all
  parts.clear();
  CHECK(b.live() == 0);
}

TEST_CASE("a part of a split that is kept for backward keeps the whole", "[machine]") {
  const double T = 256 * 256 * 2;
  const auto seen = trace([](Bench& b) { return b.m.silu(b.m.split(b.hidden({1, 256, 256}), {128, 128})[0]); });
  CHECK(seen.saved == T);
}

TEST_CASE("repeating heads copies them, and sums their gradients", "[machine]") {
  const auto seen = trace([](Bench& b) { return b.m.repeat_heads(b.hidden(key), 4); });
  CHECK(seen.shape == Shape{1, 8, 128, 64});
  CHECK(seen.forward == 5 * K);
  CHECK(seen.saved == 0);
  CHECK(seen.backward == 5 * K);
  Bench b;
  const Value x = b.hidden(key);
  CHECK(b.m.repeat_heads(x, 1)->storage == x->storage);
}

TEST_CASE("taking heads apart and putting them together again is free where tokens are outermost", "[machine]") {
  const double T = 128 * 256 * 2;
  const auto seen = trace([](Bench& b) { return b.m.flatten_heads(b.m.heads(b.hidden({1, 128, 256}), 4)); });
  CHECK(seen.shape == Shape{1, 128, 256});
  CHECK(seen.forward == T);
  CHECK(seen.saved == 0);
  CHECK(seen.backward == T);
  Bench b;
  const Value apart = b.m.heads(b.hidden({1, 128, 256}), 4);
  CHECK(apart->shape == Shape{1, 4, 128, 64});
}

TEST_CASE("heads that lie one after another are copied to be put together", "[machine]") {
  const auto seen = trace([](Bench& b) { return b.m.flatten_heads(b.hidden(query, bf16, Layout::head_major)); });
  CHECK(seen.shape == Shape{1, 128, 256});
  CHECK(seen.forward == 2 * Q);
  CHECK(seen.backward == Q);
  const auto one_token = trace([](Bench& b) { return b.m.flatten_heads(b.hidden({1, 4, 1, 64}, bf16, Layout::head_major)); });
  CHECK(one_token.forward == 512);   // with one token there is nothing to move
}

TEST_CASE("eager attention keeps probabilities twice where its softmax is in fp32", "[machine]") {
  // scores [1, 4, 128, 128]: S elements. Kept: q, k, v, fp32 probabilities, their bf16 copy.
  const double S = 4 * 128 * 128;
  const auto seen = trace([](Bench& b) {
    Value scores = b.m.scale(b.m.matmul(b.hidden(query), b.hidden({1, 4, 64, 128}), "scores"), "scaled");
    Value probabilities = b.m.cast(b.m.softmax(b.m.cast(std::move(scores), fp32)), bf16);
    return b.m.matmul(std::move(probabilities), b.hidden(query), "output");
  });
  CHECK(seen.saved == 3 * Q + 6 * S);
}
