// Element-wise operations. What each saves and what its backward computes:
// Source: [pytorch-derivatives] add, mul, neg, pow, mean, rsqrt, silu, gelu, relu, tanh, native_dropout

#include "machine/machine.hpp"
#include "machine/parts.hpp"

namespace gpumem {
namespace {

using In = Gradients;

Value like(Machine& m, const Value& x, const char* label) {
  Value out = m.allocate(x->shape, x->format, label);
  out->layout = x->layout;
  return out;
}

void through(Machine&, Node&, In& g) { g.made[0] = g.given[0]; }
void one_new(Machine& m, Node&, In& g) { g.made[0] = like(m, g.given[0], "gradient"); }

void cast_backward(Machine& m, Node& n, In& g) { g.made[0] = m.gradient_like(n, 0, "gradient cast", g.given[0]->layout); }

void add_backward(Machine&, Node& n, In& g) {
  for (std::size_t i = 0; i < 2; ++i)
    if (n.wants(static_cast<int>(i))) g.made[i] = g.given[0];
}

void subtract_backward(Machine& m, Node& n, In& g) {
  if (n.wants(0)) g.made[0] = g.given[0];
  if (n.wants(1)) g.made[1] = like(m, g.given[0], "gradient, negated");
}

void multiply_backward(Machine& m, Node& n, In& g) {
  for (std::size_t i = 0; i < 2; ++i)
    if (n.wants(static_cast<int>(i))) g.made[i] = like(m, g.given[0], "gradient");
}

/// gradient · (exponent · x^(exponent−1)): both brackets are tensors until the product is there.
void power_backward(Machine& m, Node& n, In& g) {
  Value lowered = like(m, n.saved[0], "x^(n-1)");
  Value times = like(m, lowered, "n x^(n-1)");
  g.made[0] = like(m, g.given[0], "gradient");
}

/// −1/2 · gradient · result³
void rsqrt_backward(Machine& m, Node& n, In& g) {
  Value cubed = like(m, n.saved[0], "rsqrt^3");
  Value halved = like(m, cubed, "rsqrt^3 / 2");
  g.made[0] = like(m, g.given[0], "gradient");
}

void root_backward(Machine& m, Node& n, In& g) {
  const Value twice = like(m, n.saved[0], "2 root");
  g.made[0] = like(m, g.given[0], "gradient");
}

/// Source: [pytorch] torch/csrc/autograd/FunctionsManual.cpp std_backward, var_backward
void deviation_backward(Machine& m, Node& n, In& g) {
  const Value& x = n.saved[0];
  const Value share = like(m, g.given[0], "gradient / deviation");
  const Value mean = m.allocate(x->shape.with_last(1), x->format, "mean");
  const Value apart = like(m, x, "x - mean");
  g.made[0] = like(m, x, "gradient");
}

void mean_backward(Machine& m, Node& n, In& g) {
  g.made[0] = m.allocate(n.input[0].shape, g.given[0]->format, "gradient of the mean");
  g.made[0]->layout = n.input[0].layout;
}

/// x²-like temporaries of the derivative by tanh, written out: the tanh, x / 2, its rest and two steps of a product.
/// Source: [transformers] models/bloom/modeling_bloom.py bloom_gelu_back
void gelu_function_backward(Machine& m, Node& n, In& g) {
  const Value& x = n.saved[0];
  const Value tanh = like(m, x, "tanh");
  Value half = like(m, x, "x / 2");
  Value rest = like(m, x, "1 - tanh^2");
  Value inner = like(m, x, "0.1 x");
  inner = like(m, x, "0.1 x^2");
  inner.drop();
  rest.drop();
  half.drop();
  const Value factor = like(m, x, "derivative");
  g.made[0] = like(m, g.given[0], "gradient");
}

/// Both gradients are written over what was saved.
void silu_multiply_backward(Machine&, Node& n, In& g) {
  for (std::size_t i = 0; i < 2; ++i) g.made[i] = n.saved[i];
}

}  // namespace

/// Source: [liger-kernel] ops/swiglu.py LigerSiLUMulFunction
Value Machine::silu_multiply(Value gate, Value up) {
  const Value a = std::move(gate), b = std::move(up);
  Node* node = record(silu_multiply_backward, {&a, &b});
  save(node, a);
  save(node, b);
  Value out = like(*this, a, "silu(gate) x up");
  return bind(node, out);
}

/// An operation with one operand and a result of its kind.
Value Machine::unary(Value x, const char* label, Backward rule, bool save_input, bool save_output) {
  Node* node = record(rule, {&x});
  if (save_input) save(node, x);
  Value out = like(*this, x, label);
  if (save_output) save(node, out);
  return bind(node, out);
}

Value Machine::cast(Value x, const Format* format) {
  if (x->format == format) return x;
  return [this, format](Value from) {
    Node* node = record(cast_backward, {&from});
    Value out = allocate(from->shape, format, "cast");
    out->layout = from->layout;
    return bind(node, out);
  }(std::move(x));
}

/// Source: [pytorch-autocast] cached_cast: copies of fp32 leaves that need a gradient are kept until the context ends,
/// also where nothing is recorded.
Value Machine::lower(Value x) {
  if (!autocast || x->format != fp32) return x;
  const auto scored = [&] { return training && !recording && !adapters_off && parameters[x->parameter].trainable; };
  if (x->parameter < 0 || !(x->needs_gradient || (whole_engine && scored()))) return cast(std::move(x), autocast);
  const int key = x->parameter;
  Value& cached = autocast_cache_[key];
  if (!cached) cached = cast(std::move(x), autocast);
  return cached;
}

Value Machine::widen(Value x) { return autocast ? cast(std::move(x), fp32) : x; }

Value Machine::copy(Value x, const char* label, Layout layout) {
  Value from = std::move(x);
  Node* node = record(through, {&from});
  Value out = allocate(from->shape, from->format, label);
  out->layout = layout;
  return bind(node, out);
}

Value Machine::where(Value condition, Value x) {
  const Value flags = std::move(condition), from = std::move(x);
  Node* node = record(one_new, {&from});
  save(node, flags);
  Value out = like(*this, from, "where");
  return bind(node, out);
}

Value Machine::sum_of(Value x, Value y, Backward rule, const char* label) {
  Value a = std::move(x), b = std::move(y);
  Node* node = record(rule, {&a, &b});
  Value out = allocate(Shape::broadcast(a->shape, b->shape), promoted(a->format, b->format), label);
  out->layout = a->layout;
  return bind(node, out);
}

Value Machine::add(Value x, Value y) { return sum_of(std::move(x), std::move(y), add_backward, "add"); }
Value Machine::subtract(Value x, Value y) { return sum_of(std::move(x), std::move(y), subtract_backward, "subtract"); }

Value Machine::multiply(Value x, Value y) {
  Value a = std::move(x), b = std::move(y);
  Node* node = record(multiply_backward, {&a, &b});
  if (node && node->wants(1)) save(node, a);
  if (node && node->wants(0)) save(node, b);
  Value out = allocate(Shape::broadcast(a->shape, b->shape), promoted(a->format, b->format), "multiply");
  out->layout = a->shape.rank >= b->shape.rank ? a->layout : b->layout;
  return bind(node, out);
}

Value Machine::add_number(Value x, const char* label) { return unary(std::move(x), label, through, false, false); }
Value Machine::scale(Value x, const char* label) { return unary(std::move(x), label, one_new, false, false); }
Value Machine::negate(Value x) { return unary(std::move(x), "negate", one_new, false, false); }
Value Machine::power(Value x, const char* label) { return unary(std::move(x), label, power_backward, true, false); }
Value Machine::rsqrt(Value x) { return unary(std::move(x), "rsqrt", rsqrt_backward, false, true); }
Value Machine::silu(Value x) { return unary(std::move(x), "silu", one_new, true, false); }
Value Machine::gelu(Value x) { return unary(std::move(x), "gelu", one_new, true, false); }
/// Source: [transformers] models/bloom/modeling_bloom.py GeLUFunction, bloom_gelu_forward: inside, nothing is recorded
Value Machine::gelu_function(Value x) {
  Node* node = record(gelu_function_backward, {&x});
  save(node, x);
  const Value half = like(*this, x, "x / 2");
  Value outer = like(*this, x, "0.8 x");
  Value inner = like(*this, x, "0.04 x");
  inner = like(*this, x, "0.04 x^2");
  inner = like(*this, x, "1 + 0.04 x^2");
  outer = like(*this, x, "inner");
  inner.drop();
  outer = like(*this, x, "tanh");
  outer = like(*this, x, "1 + tanh");
  Value out = like(*this, x, "gelu");
  return bind(node, out);
}
Value Machine::relu(Value x) { return unary(std::move(x), "relu", one_new, false, true); }
Value Machine::tanh(Value x) { return unary(std::move(x), "tanh", one_new, false, true); }

Value Machine::root(Value x) { return unary(std::move(x), "root", root_backward, false, true); }

Value Machine::deviation_last(Value x) {
  const Value from = std::move(x);
  Node* node = record(deviation_backward, {&from});
  Value out = allocate(from->shape.with_last(1), from->format, "deviation");
  save(node, from);
  save(node, out);
  return bind(node, out);
}

Value Machine::mean_last(Value x) {
  Value from = std::move(x);
  Node* node = record(mean_backward, {&from});
  Value out = allocate(from->shape.with_last(1), from->format, "mean");
  out->layout = from->layout;
  return bind(node, out);
}

/// The mask takes a byte an element.
Value Machine::dropout(Value x, double probability) {
  if (!training || probability <= 0) return x;
  return [this](Value from) {
    Node* node = record(one_new, {&from});
    Value out = like(*this, from, "dropout");
    Value mask = allocate(from->shape, byte_flag, "dropout mask");
    save(node, mask);
    return bind(node, out);
  }(std::move(x));
}

}  // namespace gpumem
