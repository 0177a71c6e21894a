// Autograd as a whole: several uses of one tensor, several passes, checkpoints.

#include <algorithm>
#include <vector>

#include "support/bench.hpp"

using namespace gpumem;
using gpumem::test::Bench;
using gpumem::test::trace;

namespace {

constexpr double rows = 256, width = 256, T = rows * width * 2;
const Shape shape = {1, rows, width}, square = {width, width}, wide = {768, width};

}  // namespace

TEST_CASE("two gradients of one tensor are alive together for a moment, then one", "[machine]") {
  const auto seen = trace([](Bench& b) {
    const Value x = b.hidden(shape);
    return b.m.add(b.m.silu(x), b.m.gelu(x));
  });
  CHECK(seen.saved == T);          // both keep x
  CHECK(seen.backward == 4 * T);   // x, the sum's gradient, the first gradient of x, the second; added in place
}

TEST_CASE("a chain frees what each operation kept as soon as it has run backward", "[machine]") {
  const auto seen = trace([](Bench& b) { return b.m.silu(b.m.silu(b.m.silu(b.hidden(shape)))); });
  CHECK(seen.saved == 3 * T);
  CHECK(seen.backward == 5 * T);   // the last one: three inputs, gradient in, gradient out
}

TEST_CASE("a residual branch hands its gradient to both without a copy", "[machine]") {
  const auto seen = trace([](Bench& b) {
    const Value x = b.hidden(shape);
    return b.m.add(x, b.m.scale(x));
  });
  CHECK(seen.saved == 0);
  CHECK(seen.backward == 2 * T);
}

TEST_CASE("a parameter used twice has both gradients for a moment and one in the end", "[machine]") {
  const auto seen = trace([](Bench& b) {
    const Value w = b.weight(wide);
    const Value first = b.data(shape), second = b.data(shape);
    const Value y = b.m.linear(first, w, {}, "y");
    return b.m.add(y, b.m.linear(second, w, {}, "z"));
  });
  CHECK(seen.saved == 2 * T);
  // the sum's gradient 3 T, the input still kept T, the first weight gradient 3 T, the second 3 T
  CHECK(seen.backward == 10 * T);
  CHECK(seen.gradients == 3 * T);
}

TEST_CASE("a table that is also the head holds the head's gradient until the embedding adds its own", "[machine]") {
  const double table = 1024 * width * 2, logits = rows * 1024 * 2;
  const auto seen = trace([&](Bench& b) {
    const Value w = b.weight({1024, width});
    const Value ids = b.data({1, rows}, int64);
    return b.m.linear(b.m.embedding(ids, w, "rows"), w, {}, "logits");
  });
  CHECK(seen.saved == T + rows * 8);
  // the head's backward: gradient, input, ids, table gradient, input gradient;
  // the embedding's: input gradient, ids, both table gradients
  CHECK(seen.backward == std::max(logits + T + rows * 8 + table + T, T + rows * 8 + 2 * table));
  CHECK(seen.gradients == table);
}

TEST_CASE("with the optimizer in backward each gradient goes when it is complete", "[machine]") {
  Bench b;
  std::vector<int> stepped;
  b.m.on_gradient = [&](Parameter& p) {
    stepped.push_back(static_cast<int>(p.shape[0]));
    return true;
  };
  const auto seen = b.trace([](Bench& on) {
    const Value w = on.weight(square);
    Value x = on.m.linear(on.data(shape), w, {}, "one");
    x = on.m.linear(std::move(x), w, {}, "two");
    return on.m.linear(std::move(x), on.weight(wide), {}, "three");
  });
  CHECK(stepped == std::vector<int>{768, 256});   // last layer first; the shared weight once, after both uses
  CHECK(seen.gradients == 0);
  // the last linear: three inputs, gradient 3 T, weight gradient 3 T, input gradient T
  CHECK(seen.backward == 10 * T);
}

TEST_CASE("a later micro-batch adds its gradients in place to those that are there", "[machine]") {
  Bench b;
  b.m.accumulated = true;
  const auto seen = b.trace([](Bench& on) { return on.m.linear(on.hidden(shape), on.weight(wide), {}, "y"); });
  CHECK(seen.backward == 8 * T);   // the new weight gradient exists for a moment
  CHECK(seen.gradients == 0);      // what earlier ones left is counted elsewhere
}

TEST_CASE("a second backward adds to the gradient of the first", "[machine]") {
  Bench b;
  const Value w = b.weight(wide);
  for (int pass = 0; pass < 2; ++pass) {
    b.m.recording = true;
    b.m.backward(b.m.linear(b.data(shape), w, {}, "y"));
    CHECK(b.live() == 3 * T);
  }
}

TEST_CASE("backward of something that needs no gradient does nothing", "[machine]") {
  Bench b;
  b.m.backward(b.data(shape));
  b.m.backward({});
  CHECK(b.live() == 0);
}

TEST_CASE("a checkpoint keeps its input only", "[machine]") {
  const auto program = [](const Value& w, Machine& m, Value x) { return m.silu(m.linear(std::move(x), w, {}, "y")); };
  const auto kept = trace([&](Bench& b) { return program(b.weight(wide), b.m, b.hidden(shape)); });
  CHECK(kept.saved == T + 3 * T);
  const auto dropped = trace([&](Bench& b) {
    return b.m.checkpoint(b.hidden(shape), [program, w = b.weight(wide)](Machine& m, Value x) { return program(w, m, std::move(x)); });
  });
  CHECK(dropped.saved == T);
  CHECK(dropped.gradients == kept.gradients);
}

TEST_CASE("a checkpoint runs again up to the last tensor that is kept", "[machine]") {
  // linear keeps its input, silu its own; scale keeps nothing: neither silu nor scale is computed again.
  Bench b;
  const Value w = b.weight(wide);
  const auto seen = b.trace([&](Bench& on) {
    return on.m.checkpoint(on.hidden(shape), [w](Machine& m, Value x) {
      return m.scale(m.silu(m.linear(std::move(x), w, {}, "y")));
    });
  });
  CHECK(seen.saved == T);
  // scale's backward, before anything is run again: x, two gradients of 3 T
  // silu's: x, the linear's result made again, gradient in and out; the linear's: x, gradient, weight's and input's
  CHECK(seen.backward == T + 3 * T + 3 * T + 3 * T);
  CHECK(seen.gradients == 3 * T);
}

TEST_CASE("a checkpoint without gradients is its program", "[machine]") {
  Bench b;
  b.m.recording = false;
  const Value w = b.weight(wide);
  b.m.checkpoint(b.data(shape), [w](Machine& m, Value x) { return m.linear(std::move(x), w, {}, "y"); }).drop();
  CHECK(b.m.frames.empty());
  CHECK(b.live() == 0);
}

TEST_CASE("one checkpoint after another runs again one at a time", "[machine]") {
  const auto stack = [](int depth) {
    return trace([=](Bench& b) {
      Value x = b.hidden(shape);
      for (int i = 0; i < depth; ++i)
        x = b.m.checkpoint(x, [](Machine& m, Value y) { return m.scale(m.silu(m.silu(m.silu(std::move(y))))); });
      return x;
    });
  };
  // each keeps T; the last one's backward adds two more inputs and two gradients
  CHECK(stack(1).saved == T);
  CHECK(stack(1).backward == 3 * T + 2 * T);
  CHECK(stack(5).saved == 5 * T);
  CHECK(stack(5).backward == 5 * T + 2 * T + 2 * T);
}

TEST_CASE("under autocast a checkpoint casts its weights again", "[machine]") {
  Bench b;
  const Value w = b.weight(wide, fp32);
  const auto seen = b.trace([&](Bench& on) {
    on.m.autocast = bf16;
    Value y = on.m.checkpoint(on.hidden(shape), [w](Machine& m, Value x) { return m.linear(std::move(x), w, {}, "y"); });
    CHECK(on.live() == T + 3 * T + 3 * T);   // input, result, and the copy in the cache
    on.m.autocast = nullptr;
    return y;
  });
  CHECK(seen.saved == T);
  CHECK(seen.gradients == 6 * T);
}

TEST_CASE("a view keeps its storage, and the storage goes with its last holder", "[machine]") {
  Bench b;
  Value x = b.data(shape);
  Value flat = b.m.view(x, {rows * width});
  Value same = flat;
  CHECK(b.live() == T);
  x.drop();
  flat.drop();
  CHECK(b.live() == T);
  CHECK(same->shape == Shape{rows * width});
  same.drop();
  CHECK(b.live() == 0);
}
