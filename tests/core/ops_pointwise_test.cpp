// Element-wise operations: what each keeps for backward and what its backward holds at most.
// The numbers follow PyTorch's table of derivatives; T is one tensor of the operand's size.

#include "support/bench.hpp"

using namespace gpumem;
using gpumem::test::Bench;
using gpumem::test::trace;

namespace {

constexpr double rows = 256, width = 256, count = rows * width;
const Shape shape = {1, rows, width};
constexpr double row_bytes = rows * 4;   // one fp32 number a row

struct UnaryRow {
  const char* name;
  Value (*run)(Machine&, Value);
  double saved, backward;   // in tensors
};

const UnaryRow unary_rows[] = {
    {"add a number", [](Machine& m, Value x) { return m.add_number(std::move(x)); }, 0, 1},
    {"scale", [](Machine& m, Value x) { return m.scale(std::move(x)); }, 0, 2},
    {"negate", [](Machine& m, Value x) { return m.negate(std::move(x)); }, 0, 2},
    // gradient, x, and the three tensors of gradient * (n * x^(n-1))
    {"power", [](Machine& m, Value x) { return m.power(std::move(x), "x^2"); }, 1, 5},
    // gradient, result, and the three tensors of -1/2 * gradient * result^3
    {"rsqrt", [](Machine& m, Value x) { return m.rsqrt(std::move(x)); }, 1, 5},
    {"silu", [](Machine& m, Value x) { return m.silu(std::move(x)); }, 1, 3},
    {"gelu", [](Machine& m, Value x) { return m.gelu(std::move(x)); }, 1, 3},
    {"relu", [](Machine& m, Value x) { return m.relu(std::move(x)); }, 1, 3},
    {"tanh", [](Machine& m, Value x) { return m.tanh(std::move(x)); }, 1, 3},
    {"exp", [](Machine& m, Value x) { return m.exp(std::move(x)); }, 1, 3},
    {"softplus", [](Machine& m, Value x) { return m.softplus(std::move(x)); }, 1, 3},
    // gradient, and what is turned around, summed and turned back
    {"cumulate", [](Machine& m, Value x) { return m.cumulate(std::move(x)); }, 0, 4},
    {"softmax", [](Machine& m, Value x) { return m.softmax(std::move(x)); }, 1, 3},
};

}  // namespace

TEST_CASE("an operation with one operand keeps what its derivative needs", "[machine]") {
  for (const UnaryRow& row : unary_rows)
    for (const Format* format : {bf16, fp16, fp32}) {
      CAPTURE(row.name, format->id);
      const double t = count * format->block_bytes;
      const auto seen = trace([&](Bench& b) { return row.run(b.m, b.hidden(shape, format)); });
      CHECK(seen.shape == shape);
      CHECK(seen.format == format);
      CHECK(seen.forward == 2 * t);
      CHECK(seen.saved == row.saved * t);
      CHECK(seen.backward == row.backward * t);
      CHECK(seen.gradients == 0);
    }
}

TEST_CASE("an operation on data that needs no gradient keeps nothing", "[machine]") {
  for (const UnaryRow& row : unary_rows) {
    CAPTURE(row.name);
    Bench b;
    const double before = b.live();
    row.run(b.m, b.data(shape)).drop();
    CHECK(b.live() == before);
    CHECK(b.m.tape.empty());
  }
}

TEST_CASE("without recording nothing is kept, whatever needs a gradient", "[machine]") {
  for (const UnaryRow& row : unary_rows) {
    CAPTURE(row.name);
    Bench b;
    Value x = b.hidden(shape);
    b.m.recording = false;
    row.run(b.m, std::move(x)).drop();
    CHECK(b.live() == 0);
    CHECK(b.m.tape.size() == 1);   // only what made x
  }
}

TEST_CASE("relu and tanh keep their result, silu and gelu their input", "[machine]") {
  const auto survivor = [](Value (*run)(Machine&, Value)) {
    Bench b;
    const Value x = b.hidden(shape);
    const Value y = run(b.m, x);
    const Storage* saved = b.m.tape.back().saved[0]->storage;
    return saved == x->storage ? "input" : saved == y->storage ? "result" : "neither";
  };
  CHECK(survivor([](Machine& m, Value x) { return m.relu(x); }) == std::string("result"));
  CHECK(survivor([](Machine& m, Value x) { return m.tanh(x); }) == std::string("result"));
  CHECK(survivor([](Machine& m, Value x) { return m.softmax(x); }) == std::string("result"));
  CHECK(survivor([](Machine& m, Value x) { return m.rsqrt(x); }) == std::string("result"));
  CHECK(survivor([](Machine& m, Value x) { return m.silu(x); }) == std::string("input"));
  CHECK(survivor([](Machine& m, Value x) { return m.gelu(x); }) == std::string("input"));
  CHECK(survivor([](Machine& m, Value x) { return m.power(x, "x^2"); }) == std::string("input"));
}

TEST_CASE("a product keeps each factor for the other one's gradient", "[machine]") {
  const double t = count * 2;
  const auto both = trace([](Bench& b) { return b.m.multiply(b.hidden(shape), b.hidden(shape)); });
  CHECK(both.forward == 3 * t);
  CHECK(both.saved == 2 * t);
  CHECK(both.backward == 5 * t);   // gradient, two factors, two new gradients
  const auto left = trace([](Bench& b) { return b.m.multiply(b.hidden(shape), b.data(shape)); });
  CHECK(left.saved == t);
  CHECK(left.backward == 3 * t);
  const auto right = trace([](Bench& b) { return b.m.multiply(b.data(shape), b.hidden(shape)); });
  CHECK(right.saved == t);
  CHECK(right.backward == 3 * t);
  Bench b;
  b.m.multiply(b.data(shape), b.data(shape)).drop();
  CHECK(b.live() == 0);
}

TEST_CASE("a product keeps only the factor that is needed", "[machine]") {
  Bench b;
  const Value x = b.hidden(shape), constant = b.data(shape);
  const Value y = b.m.multiply(x, constant);
  REQUIRE(b.m.tape.back().saved_count == 1);
  CHECK(b.m.tape.back().saved[0]->storage == constant->storage);
}

TEST_CASE("a tensor times itself is kept once", "[machine]") {
  const double t = count * 2;
  const auto seen = trace([](Bench& b) {
    const Value x = b.hidden(shape);
    return b.m.multiply(x, x);
  });
  CHECK(seen.saved == t);
  CHECK(seen.backward == 4 * t);
}

TEST_CASE("a trainable vector times a tensor keeps the tensor; its gradient is summed from a whole one", "[machine]") {
  const double t = count * 2, vector = width * 2;
  const auto trained = trace([](Bench& b) { return b.m.multiply(b.weight({width}), b.hidden(shape)); });
  CHECK(trained.shape == shape);
  CHECK(trained.saved == t);
  CHECK(trained.backward == 4 * t + vector);   // gradient, tensor, two whole gradients, the sum
  CHECK(trained.gradients == vector);
  const auto frozen = trace([](Bench& b) { return b.m.multiply(b.frozen({width}), b.hidden(shape)); });
  CHECK(frozen.saved == 0);   // the vector is a parameter: no copy
  CHECK(frozen.backward == 2 * t);
  CHECK(frozen.gradients == 0);
}

TEST_CASE("a tensor times one number a row sums that number's gradient", "[machine]") {
  const double t = count * 4;
  const auto seen = trace([](Bench& b) { return b.m.multiply(b.hidden(shape, fp32), b.hidden({1, rows, 1}, fp32)); });
  CHECK(seen.shape == shape);
  CHECK(seen.saved == t + row_bytes);
  CHECK(seen.backward == 4 * t + 2 * row_bytes);
}

TEST_CASE("mixed formats are computed in fp32 and the gradient is narrowed back", "[machine]") {
  const double narrow = count * 2, wide = count * 4;
  const auto product = trace([](Bench& b) { return b.m.multiply(b.hidden(shape, bf16), b.hidden(shape, fp32)); });
  CHECK(product.format == fp32);
  CHECK(product.saved == narrow + wide);
  CHECK(product.backward == 3 * wide + (narrow + wide) + narrow);
  const auto sum = trace([](Bench& b) { return b.m.add(b.hidden(shape, bf16), b.hidden(shape, fp32)); });
  CHECK(sum.format == fp32);
  CHECK(sum.saved == 0);
  CHECK(sum.backward == wide + narrow);
  const auto halves = trace([](Bench& b) { return b.m.add(b.hidden(shape, bf16), b.hidden(shape, fp16)); });
  CHECK(halves.format == fp32);
}

TEST_CASE("a sum keeps nothing and hands the same gradient to both", "[machine]") {
  const double t = count * 2;
  const auto seen = trace([](Bench& b) { return b.m.add(b.hidden(shape), b.hidden(shape)); });
  CHECK(seen.forward == 3 * t);
  CHECK(seen.saved == 0);
  CHECK(seen.backward == t);
  const auto biased = trace([](Bench& b) { return b.m.add(b.hidden(shape), b.weight({width})); });
  CHECK(biased.shape == shape);
  CHECK(biased.saved == 0);
  CHECK(biased.backward == t + width * 2);
  CHECK(biased.gradients == width * 2);
}

TEST_CASE("a mean keeps sizes only and its gradient is as large as its input", "[machine]") {
  const double t = count * 4;
  const auto seen = trace([](Bench& b) { return b.m.mean_last(b.hidden(shape, fp32)); });
  CHECK(seen.shape == Shape{1, rows, 1});
  CHECK(seen.forward == t + row_bytes);
  CHECK(seen.saved == 0);
  CHECK(seen.backward == row_bytes + t);
}

TEST_CASE("a cast keeps nothing, and to the same format it is no operation", "[machine]") {
  const double narrow = count * 2, wide = count * 4;
  const auto widened = trace([](Bench& b) { return b.m.cast(b.hidden(shape), fp32); });
  CHECK(widened.format == fp32);
  CHECK(widened.forward == narrow + wide);
  CHECK(widened.saved == 0);
  CHECK(widened.backward == wide + narrow);
  Bench b;
  const Value x = b.hidden(shape);
  const std::size_t nodes = b.m.tape.size();
  CHECK(b.m.cast(x, bf16)->storage == x->storage);
  CHECK(b.m.tape.size() == nodes);
}

TEST_CASE("a copy keeps nothing and passes its gradient on", "[machine]") {
  const double t = count * 2;
  const auto seen = trace([](Bench& b) { return b.m.copy(b.hidden(shape), "copy", Layout::head_major); });
  CHECK(seen.forward == 2 * t);
  CHECK(seen.saved == 0);
  CHECK(seen.backward == t);
}

TEST_CASE("dropout keeps a byte an element, and is nothing outside training", "[machine]") {
  const double t = count * 2;
  const auto seen = trace([](Bench& b) { return b.m.dropout(b.hidden(shape), 0.1); });
  CHECK(seen.forward == 2 * t + count);
  CHECK(seen.saved == count);
  CHECK(seen.backward == 2 * t + count);
  Bench b;
  const Value x = b.hidden(shape);
  CHECK(b.m.dropout(x, 0)->storage == x->storage);
  b.m.training = false;
  CHECK(b.m.dropout(x, 0.1)->storage == x->storage);
}

TEST_CASE("a layer norm keeps its input and two fp32 numbers a row", "[machine]") {
  const double t = count * 2, vector = width * 2;
  const auto trained = trace([](Bench& b) { return b.m.layer_norm(b.hidden(shape), b.weight({width}), b.weight({width})); });
  CHECK(trained.shape == shape);
  CHECK(trained.format == bf16);
  CHECK(trained.forward == 2 * t + 2 * row_bytes);
  CHECK(trained.saved == t + 2 * row_bytes);
  CHECK(trained.backward == 3 * t + 2 * row_bytes + 2 * vector);
  CHECK(trained.gradients == 2 * vector);
  const auto frozen = trace([](Bench& b) { return b.m.layer_norm(b.hidden(shape), b.frozen({width}), b.frozen({width})); });
  CHECK(frozen.saved == t + 2 * row_bytes);
  CHECK(frozen.backward == 3 * t + 2 * row_bytes);
  CHECK(frozen.gradients == 0);
}

TEST_CASE("autocast lowers fp32 operands of products and widens those of norms", "[machine]") {
  Bench b;
  const Value wide = b.hidden(shape, fp32), narrow = b.hidden(shape, bf16);
  CHECK(b.m.lower(wide)->storage == wide->storage);   // no autocast yet
  CHECK(b.m.widen(narrow)->storage == narrow->storage);
  b.m.autocast = bf16;
  CHECK(b.m.lower(wide)->format == bf16);
  CHECK(b.m.lower(narrow)->storage == narrow->storage);
  CHECK(b.m.widen(narrow)->format == fp32);
  CHECK(b.m.widen(wide)->storage == wide->storage);
}

TEST_CASE("autocast casts a trainable fp32 weight once, and other tensors each time", "[machine]") {
  Bench b;
  b.m.autocast = bf16;
  const Value trained = b.weight({width, width}, fp32), frozen = b.frozen({width, width}, fp32);
  const double copy = width * width * 2;
  b.m.lower(trained).drop();
  CHECK(b.live() == copy);   // the cache holds it
  CHECK(b.m.lower(trained)->storage == b.m.lower(trained)->storage);
  CHECK(b.live() == copy);
  b.m.lower(frozen).drop();
  CHECK(b.live() == copy);   // cast, used, gone
  b.m.leave_autocast();
  CHECK(b.live() == 0);
}
