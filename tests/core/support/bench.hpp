#pragma once
// Runs one operation (or a few) on a new machine, forward and backward, and says what it did to memory.

#include <catch2/catch.hpp>

#include "machine/machine.hpp"

namespace gpumem::test {

/// Bytes beyond what was there before the operation, as the allocator hands them out.
struct Trace {
  Shape shape;
  const Format* format = nullptr;
  double forward = 0;     ///< highest moment of the forward pass
  double saved = 0;       ///< kept for backward once the program has let go of everything
  double backward = 0;    ///< highest moment of the backward pass, the result's gradient included
  double gradients = 0;   ///< what is left when backward is done
};

class Bench {
 public:
  Machine m;

  // Not inlined: the compiler would mistake the machine's first scope for uninitialised memory.
  [[gnu::noinline]] Bench() {
    m.recording = true;
    m.training = true;
    m.begin_layer(0);
  }

  Value weight(const Shape& shape, const Format* format = bf16, bool trainable = true) {
    m.weight_format = format;
    Value p = m.parameter("weight", shape);
    m.parameters[p->parameter].trainable = trainable;
    p->needs_gradient = trainable;
    return p;
  }
  Value frozen(const Shape& shape, const Format* format = bf16) { return weight(shape, format, false); }

  /// A tensor that nothing before it needs a gradient of.
  Value data(const Shape& shape, const Format* format = bf16) { return m.allocate(shape, format, "data"); }

  /// A tensor as an earlier operation would have made it: backward brings a gradient to it, and there it ends.
  Value hidden(const Shape& shape, const Format* format = bf16, Layout layout = Layout::token_major) {
    const Value source = weight({1});
    Value made = data(shape, format);
    made->layout = layout;
    return m.bind(m.record([](Machine&, Node&, Gradients&) {}, {&source}), made);
  }

  [[nodiscard]] double live() const { return in(bytes, m.memory.ledger.live()); }

  /// `program` takes this bench and gives back its result; what else it makes dies when it returns.
  template <class Program>
  Trace trace(Program program) {
    const double start = live();
    Trace t;
    m.memory.ledger.enter("forward", 0);
    Value out = program(*this);
    t.shape = out->shape;
    t.format = out->format;
    t.forward = highest() - start;
    // A stand-in for the result, so that its own memory can go.
    Value end = m.memory.describe(out->shape, out->format);
    end->node = out->node;
    end->output = out->output;
    out.drop();
    m.leave_autocast();
    t.saved = live() - start;
    m.memory.ledger.enter("backward", 0);
    m.backward(std::move(end));
    t.backward = highest() - start;
    t.gradients = live() - start;
    Bytes held;
    for (const Parameter& p : m.parameters.rows)
      if (p.gradient) held += rounded_up(p.stored());
    CHECK(t.gradients == in(bytes, held));   // nothing but gradients is left
    for (Parameter& p : m.parameters.rows) p.gradient.drop();
    CHECK(live() == start);                  // and nothing leaks
    CHECK(m.memory.ledger.parts().sum() == m.memory.ledger.live());
    return t;
  }

 private:
  [[nodiscard]] double highest() const { return in(bytes, m.memory.ledger.stretches().back().highest); }
};

/// One program on a bench of its own.
template <class Program>
Trace trace(Program program) {
  Bench bench;
  return bench.trace(program);
}

}  // namespace gpumem::test
