// Matrix products, table look-ups and the loss.

#include "support/bench.hpp"

using namespace gpumem;
using gpumem::test::Bench;
using gpumem::test::trace;

namespace {

// x [1, 256, 256] is T bytes in bf16; a weight [768, 256] and the result [1, 256, 768] are 3 T each.
constexpr double rows = 256, width = 256, outputs = 768, T = rows * width * 2;
const Shape shape = {1, rows, width}, matrix = {outputs, width};

}  // namespace

TEST_CASE("a linear keeps its input for the weight's gradient and makes both", "[machine]") {
  const auto seen = trace([](Bench& b) { return b.m.linear(b.hidden(shape), b.weight(matrix), {}, "y"); });
  CHECK(seen.shape == Shape{1, rows, outputs});
  CHECK(seen.format == bf16);
  CHECK(seen.forward == 4 * T);
  CHECK(seen.saved == T);
  CHECK(seen.backward == 3 * T + T + 3 * T + T);   // gradient, input, weight's gradient, input's gradient
  CHECK(seen.gradients == 3 * T);
}

TEST_CASE("a linear with a frozen weight keeps no input and makes no weight gradient", "[machine]") {
  const auto seen = trace([](Bench& b) { return b.m.linear(b.hidden(shape), b.frozen(matrix), {}, "y"); });
  CHECK(seen.saved == 0);
  CHECK(seen.backward == 3 * T + T);
  CHECK(seen.gradients == 0);
}

TEST_CASE("a linear whose input needs no gradient keeps no weight", "[machine]") {
  const auto seen = trace([](Bench& b) { return b.m.linear(b.data(shape), b.weight(matrix), {}, "y"); });
  CHECK(seen.saved == T);
  CHECK(seen.backward == 3 * T + T + 3 * T);
  CHECK(seen.gradients == 3 * T);
  Bench b;
  const Value y = b.m.linear(b.data(shape), b.weight(matrix), {}, "y");
  CHECK(b.m.tape.back().saved_count == 1);
}

TEST_CASE("a linear of which nothing needs a gradient is not recorded", "[machine]") {
  Bench b;
  b.m.linear(b.data(shape), b.frozen(matrix), b.frozen({outputs}), "y").drop();
  CHECK(b.m.tape.empty());
  CHECK(b.live() == 0);
}

TEST_CASE("a linear's bias has a gradient of its own size", "[machine]") {
  const double bias = outputs * 2;
  const auto trained = trace([](Bench& b) { return b.m.linear(b.hidden(shape), b.weight(matrix), b.weight({outputs}), "y"); });
  CHECK(trained.saved == T);
  CHECK(trained.backward == 8 * T + bias);
  CHECK(trained.gradients == 3 * T + bias);
  const auto bias_only = trace([](Bench& b) { return b.m.linear(b.data(shape), b.frozen(matrix), b.weight({outputs}), "y"); });
  CHECK(bias_only.saved == 0);
  CHECK(bias_only.backward == 3 * T + bias);
  CHECK(bias_only.gradients == bias);
}

TEST_CASE("a weight stored the other way round costs the same", "[machine]") {
  const auto seen = trace([](Bench& b) { return b.m.linear(b.hidden(shape), b.weight({width, outputs}), b.weight({outputs}), "y", true); });
  CHECK(seen.shape == Shape{1, rows, outputs});
  CHECK(seen.saved == T);
  CHECK(seen.backward == 8 * T + outputs * 2);
  CHECK(seen.gradients == 3 * T + outputs * 2);
}

TEST_CASE("linears that share an input keep it once", "[machine]") {
  const auto seen = trace([](Bench& b) {
    const Value x = b.hidden(shape);
    return b.m.add(b.m.linear(x, b.weight(matrix), {}, "q"), b.m.linear(x, b.weight(matrix), {}, "k"));
  });
  CHECK(seen.saved == T);
  CHECK(seen.gradients == 6 * T);
}

TEST_CASE("an input that a later operation keeps too is kept once", "[machine]") {
  const auto seen = trace([](Bench& b) {
    const Value product = b.m.relu(b.hidden(shape));   // keeps its result, which is the linear's input
    return b.m.linear(product, b.weight(matrix), {}, "y");
  });
  CHECK(seen.saved == T);
}

TEST_CASE("under autocast a linear keeps the lowered copies of input and weight", "[machine]") {
  const auto run = [](bool trainable) {
    return trace([=](Bench& b) {
      b.m.autocast = bf16;
      Value y = b.m.linear(b.hidden(shape, fp32), b.weight(matrix, fp32, trainable), {}, "y");
      b.m.autocast = nullptr;
      return y;
    });
  };
  const auto trained = run(true);
  CHECK(trained.format == bf16);
  CHECK(trained.saved == T + 3 * T);   // both copies
  CHECK(trained.gradients == 6 * T);   // the gradient of an fp32 weight is fp32
  const auto frozen = run(false);
  CHECK(frozen.saved == 3 * T);        // the weight's copy, for the input's gradient
  CHECK(frozen.gradients == 0);
}

TEST_CASE("under autocast two linears share a weight's copy but not an input's", "[machine]") {
  const auto seen = trace([](Bench& b) {
    b.m.autocast = bf16;
    const Value x = b.hidden(shape, fp32), w = b.weight(matrix, fp32);
    Value y = b.m.add(b.m.linear(x, w, {}, "one"), b.m.linear(x, w, {}, "two"));
    b.m.autocast = nullptr;
    return y;
  });
  CHECK(seen.saved == 2 * T + 3 * T);
  CHECK(seen.gradients == 6 * T);
}

TEST_CASE("a linear copies a gradient that arrives head by head", "[machine]") {
  // y [1, 256, 256] is seen as four heads and repeated twice; the gradient of that view is not contiguous.
  const auto seen = trace([](Bench& b) {
    return b.m.repeat_heads(b.m.heads(b.m.linear(b.hidden(shape), b.frozen({width, width}), {}, "k"), 4), 2);
  });
  CHECK(seen.shape == Shape{1, 8, rows, 64});
  CHECK(seen.saved == 0);
  CHECK(seen.backward == 3 * T);   // while summing: the doubled one and its sum; the copy and the input's gradient are fewer
}

TEST_CASE("a matrix product keeps both operands and makes both gradients", "[machine]") {
  // a [1, 4, 128, 64] is A bytes, b [1, 4, 64, 128] as many, the result [1, 4, 128, 128] twice as many.
  const double A = 4 * 128 * 64 * 2;
  const Shape left = {1, 4, 128, 64}, right = {1, 4, 64, 128};
  const auto both = trace([&](Bench& b) { return b.m.matmul(b.hidden(left), b.hidden(right), "scores"); });
  CHECK(both.shape == Shape{1, 4, 128, 128});
  CHECK(both.forward == 4 * A);
  CHECK(both.saved == 2 * A);
  CHECK(both.backward == 2 * A + 2 * A + 2 * A);
  CHECK(both.gradients == 0);
  const auto one = trace([&](Bench& b) { return b.m.matmul(b.hidden(left), b.data(right), "scores"); });
  CHECK(one.saved == A);
  CHECK(one.backward == 2 * A + A + A);
  const auto other = trace([&](Bench& b) { return b.m.matmul(b.data(left), b.hidden(right), "scores"); });
  CHECK(other.saved == A);
}

TEST_CASE("a matrix product of several sequences needs heads that are contiguous", "[machine]") {
  const double A = 2 * 4 * 128 * 64 * 2;
  const Shape left = {2, 4, 128, 64}, right = {2, 4, 64, 128};
  const auto copied = trace([&](Bench& b) { return b.m.matmul(b.hidden(left), b.hidden(right), "scores"); });
  CHECK(copied.forward == 4 * A);    // operands that are copied are let go
  CHECK(copied.saved == 2 * A);      // the copies are kept
  const auto kept = trace([&](Bench& b) {
    const Value x = b.hidden(left);
    Value y = b.m.matmul(x, b.hidden(right, bf16, Layout::head_major), "scores");
    CHECK(b.live() == 5 * A);        // x, its copy, the other operand, the result
    return y;
  });
  CHECK(kept.saved == 2 * A);
}

TEST_CASE("under autocast a matrix product keeps lowered operands", "[machine]") {
  const double A = 4 * 128 * 64 * 2;
  const auto seen = trace([](Bench& b) {
    b.m.autocast = bf16;
    return b.m.matmul(b.hidden({1, 4, 128, 64}, fp32), b.hidden({1, 4, 64, 128}, fp32), "scores");
  });
  CHECK(seen.format == bf16);
  CHECK(seen.saved == 2 * A);
}

TEST_CASE("an embedding keeps its indices and makes a gradient as large as its table", "[machine]") {
  const double table = 1024 * width * 2, out = rows * width * 2, ids = rows * 8;
  const auto trained = trace([](Bench& b) { return b.m.embedding(b.data({1, rows}, int64), b.weight({1024, width}), "rows"); });
  CHECK(trained.shape == shape);
  CHECK(trained.format == bf16);
  CHECK(trained.forward == ids + out);
  CHECK(trained.saved == ids);
  CHECK(trained.backward == out + ids + table);
  CHECK(trained.gradients == table);
  Bench b;
  b.m.embedding(b.data({1, rows}, int64), b.frozen({1024, width}), "rows").drop();
  CHECK(b.live() == 0);
}

TEST_CASE("a log-softmax keeps its result", "[machine]") {
  const double t = rows * 1024 * 4;
  const auto seen = trace([](Bench& b) { return b.m.log_softmax(b.hidden({rows, 1024}, fp32)); });
  CHECK(seen.forward == 2 * t);
  CHECK(seen.saved == t);
  CHECK(seen.backward == 3 * t);   // result, gradient, input's gradient
  CHECK(seen.gradients == 0);
}

TEST_CASE("the loss keeps log-probabilities, labels and their weight", "[machine]") {
  const double t = rows * 1024 * 4, labels = rows * 8;
  const auto seen = trace([](Bench& b) { return b.m.nll_loss(b.hidden({rows, 1024}, fp32), b.data({rows}, int64)); });
  CHECK(seen.shape == Shape{1});
  CHECK(seen.forward == t + labels + 512 + 512);
  CHECK(seen.saved == t + labels + 512);
  CHECK(seen.backward == 512 + (t + labels + 512) + t);
}

TEST_CASE("cross entropy in fp32 holds two tensors forward and three backward", "[machine]") {
  const double t = rows * 1024 * 4, labels = rows * 8;
  const auto seen = trace([](Bench& b) {
    const Value wanted = b.data({rows}, int64);
    return b.m.nll_loss(b.m.log_softmax(b.hidden({rows, 1024}, fp32)), wanted);
  });
  CHECK(seen.forward == 2 * t + labels);          // log-softmax lets its input go before the loss is made
  CHECK(seen.saved == t + labels + 512);          // one storage, kept by both
  CHECK(seen.backward == 3 * t);                  // log-softmax's backward: labels and weight are gone
}
