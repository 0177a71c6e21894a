// ggml's allocator and scheduler on small graphs, worked by hand from its source.

#include <catch2/catch.hpp>

#include "engines/ggml/scheduler.hpp"
#include "engines/llama_cpp_compute.hpp"
#include "models.hpp"

using namespace gpumem;
using namespace gpumem::ggml;

namespace {

constexpr int gpu = 0, processor = 1;

/// The GPU's buffer, then the processor's.
std::vector<double> sizes(Graph& g, Backends backends = {}) {
  const Plan plan = split(g, backends);
  return buffer_sizes(g, plan, backends.count());
}

int matrix(Graph& g, double in, double out, int home = gpu) { return g.weight(2, {in, out, 1, 1}, home); }

}  // namespace

TEST_CASE("a free list takes the smallest stretch that is large enough and joins what is freed", "[ggml]") {
  FreeList list;
  CHECK(list.take(256) == 0);
  CHECK(list.take(128) == 256);
  CHECK(list.take(512) == 384);
  CHECK(list.take(128) == 896);
  list.give(0, 256);
  list.give(384, 512);
  CHECK(list.take(256) == 0);      // the smaller one fits
  CHECK(list.take(256) == 384);
  CHECK(list.take(256) == 640);
  CHECK(list.highest() == 1024);
  list.give(256, 128);
  list.give(384, 256);
  CHECK(list.take(384) == 256);    // both are one now
  CHECK(list.take(128) == 1024);
  CHECK(list.highest() == 1152);
}

TEST_CASE("a sum lies where its operand lay, a product does not", "[ggml]") {
  Graph g;
  const int x = g.input(4, {64, 1, 1, 1});
  const int a = g.product(matrix(g, 64, 64), x), b = g.product(matrix(g, 64, 64), x);
  g.expand(g.sum(a, b));
  CHECK(sizes(g)[gpu] == 3 * 256);   // the input's copy and both products
}

TEST_CASE("what is still read is not overwritten", "[ggml]") {
  Graph g;
  const int x = g.input(4, {64, 1, 1, 1});
  const int a = g.product(matrix(g, 64, 64), x);
  g.expand(g.sum(g.like(Op::in_place, a), a));
  CHECK(sizes(g)[gpu] == 2 * 256);   // copy freed, then taken by the first; the second lies on the first
}

TEST_CASE("a view keeps what it looks at, and nothing takes a view's place", "[ggml]") {
  Graph g;
  const int x = g.input(4, {64, 1, 1, 1});
  const int a = g.product(matrix(g, 64, 64), x);
  g.expand(g.in_place(g.reshape(a, {32, 2, 1, 1})));
  CHECK(sizes(g)[gpu] == 2 * 256);
  Graph plain;
  const int y = plain.input(4, {64, 1, 1, 1});
  plain.expand(plain.in_place(plain.product(matrix(plain, 64, 64), y)));
  CHECK(sizes(plain)[gpu] == 2 * 256);
}

TEST_CASE("what a fused kernel reads stays until its end", "[ggml]") {
  const auto built = [](bool kept) {
    Graph g;
    const int x = g.input(4, {64, 1, 1, 1});
    const int a = g.product(matrix(g, 64, 64), x);
    const int b = g.in_place(a);
    g.expand(b);
    if (kept) g.keep({a});
    g.expand(g.product(matrix(g, 64, 64), b));
    return sizes(g)[gpu];
  };
  CHECK(built(false) == 2 * 256);
  CHECK(built(true) == 3 * 256);
}

TEST_CASE("a large batch carries the processor's matrices to the GPU one by one", "[ggml]") {
  const auto built = [](double rows, bool carries) {
    Graph g;
    const int x = g.input(4, {64, rows, 1, 1});
    int y = g.product(matrix(g, 64, 64, processor), x);
    y = g.product(matrix(g, 64, 64, processor), y);
    g.expand(g.product(matrix(g, 64, 64), y));
    Backends backends;
    backends.carries = carries;
    return sizes(g, backends)[gpu];
  };
  CHECK(built(32, true) == 2 * 64 * 64 + 2 * 64 * 32 * 4);   // one matrix, operand and result
  CHECK(built(32, false) == 2 * 64 * 32 * 4);
  CHECK(built(31, true) == 2 * 64 * 31 * 4);
}

TEST_CASE("along a pipeline every input of a split has four copies", "[ggml]") {
  Graph g;
  const int x = g.input(4, {64, 1, 1, 1});
  g.expand(g.product(matrix(g, 64, 64, 1), g.product(matrix(g, 64, 64, 0), x)));
  Backends backends;
  backends.gpus = 2;
  backends.copies = 4;
  const std::vector<double> all = sizes(g, backends);
  CHECK(all[0] == 5 * 256);
  CHECK(all[1] == 5 * 256);
  CHECK(all[2] == 4 * 256);
}

TEST_CASE("with one row of logits the feed-forward layer is the peak, with all rows the logits are", "[ggml]") {
  using nlohmann::ordered_json;
  const ordered_json config = {{"model_type", "llama"}, {"hidden_size", 256}, {"intermediate_size", 1024}, {"num_hidden_layers", 4},
                               {"num_attention_heads", 4}, {"num_key_value_heads", 2}, {"vocab_size", 8192}};
  const Decoder model = test::decoder(config);
  ComputeRequest r;
  r.context = 1024;
  r.micro_batch = 512;
  r.outputs = 1;
  // gate, up and their product; the residual, the normed rows and those of the layer before; the mask in 16 bits;
  // positions, two lists of places in 64 bits and one number of a row, in steps of 128
  const double few = 4.0 * 512 * (3 * 1024 + 3 * 256) + 2.0 * 512 * 1024 + 4 * 512 + 2 * 8 * 512 + 128;
  CHECK(in(bytes, llama_cpp_compute_buffers(model, r)[gpu]) == few);
  r.outputs = 0;
  CHECK(in(bytes, llama_cpp_compute_buffers(model, r)[gpu]) == Approx(4.0 * 512 * (8192 + 256)).epsilon(0.01));
}
