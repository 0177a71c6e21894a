#include "layers/mlp.hpp"

#include "layers/dense.hpp"
#include "machine/parts.hpp"

namespace gpumem {
namespace {

Value linear(Machine& m, const char* name, const MlpLayer& l, Value x, double width) {
  return dense(m, name, std::move(x), width, l.bias, l.transposed);
}

/// ½x·(1 + tanh(c·(x + 0.044715·x³))), written out in Python.
/// Source: [transformers] activations.py NewGELUActivation
Value gelu_composed(Machine& m, const Value& x) {
  Value half = m.scale(x, "x / 2");
  Value inner = m.scale(m.power(m.widen(x), "x^3"), "0.04 x^3");
  inner = m.scale(m.add(x, std::move(inner)), "inner");
  Value factor = m.add_number(m.tanh(std::move(inner)), "1 + tanh");
  return m.multiply(std::move(half), std::move(factor));
}

/// ½x·(1 + tanh(c·x·(1 + 0.044715·x·x)))
/// Source: [transformers] activations.py FastGELUActivation
Value gelu_fast(Machine& m, const Value& x) {
  Value half = m.scale(x, "x / 2");
  Value straight = m.scale(x, "0.8 x");
  Value squared = m.multiply(m.scale(x, "0.04 x"), x);
  Value inner = m.add_number(std::move(squared), "1 + 0.04 x^2");
  inner = m.multiply(std::move(straight), std::move(inner));
  Value factor = m.add_number(m.tanh(std::move(inner)), "1 + tanh");
  return m.multiply(std::move(half), std::move(factor));
}

}  // namespace

Value activate(Machine& m, Activation kind, Value x) {
  switch (kind) {
    case Activation::silu: return m.silu(std::move(x));
    case Activation::gelu: return m.gelu(std::move(x));
    case Activation::relu: return m.relu(std::move(x));
    case Activation::gelu_fast: return gelu_fast(m, x);
    /// Source: [transformers] activations.py QuickGELUActivation
    case Activation::gelu_quick: return m.multiply(x, m.sigmoid(m.scale(x, "1.7 x")));
    case Activation::gelu_function: return m.gelu_function(std::move(x));
    case Activation::relu_squared: {   // Source: [transformers] activations.py ReLUSquaredActivation
      const Value held = m.relu(std::move(x));
      return m.power(m.widen(held), "relu^2");
    }
    case Activation::gelu_composed:
      if (m.fused.gelu) return m.gelu(std::move(x));
      break;
  }
  return gelu_composed(m, x);
}

namespace {

/// Source: [transformers] models/falcon_h1/modeling_falcon_h1.py FalconH1MLP.forward
Value gated_and_scaled(Machine& m, const MlpLayer& l, const Value& x) {
  Value up = linear(m, "up_proj", l, x, l.width);
  Value gate = activate(m, l.activation, m.scale(linear(m, "gate_proj", l, x, l.width), "scaled gate"));
  const Value product = m.multiply(std::move(up), std::move(gate));
  return m.scale(linear(m, "down_proj", l, product, x->shape[-1]), "scaled output");
}

/// down(act(gate(x)) · up(x))
/// Source: [transformers] models/llama/modeling_llama.py LlamaMLP.forward
Value gated(Machine& m, const MlpLayer& l, const Value& x) {
  if (l.scaled) return gated_and_scaled(m, l, x);
  if (m.fused.gated && l.activation == Activation::silu) {
    Value gate = linear(m, "gate_proj", l, x, l.width);
    Value product = m.silu_multiply(std::move(gate), linear(m, "up_proj", l, x, l.width));
    return linear(m, "down_proj", l, std::move(product), x->shape[-1]);
  }
  Value gate = activate(m, l.activation, linear(m, "gate_proj", l, x, l.width));
  Value up = linear(m, "up_proj", l, x, l.width);
  if (l.kept_halves) {
    Value product = m.multiply(gate, up);
    product = m.dropout(product, l.inner_dropout);
    return linear(m, "down_proj", l, product, x->shape[-1]);
  }
  Value product = m.multiply(std::move(gate), std::move(up));
  if (!whole_engine || !l.output_bias) return linear(m, "down_proj", l, std::move(product), x->shape[-1]);
  /// Source: [transformers] models/gte/modeling_gte.py GteMLP.forward
  return dense(m, "down_proj", m.dropout(std::move(product), l.inner_dropout), x->shape[-1], true);
}

/// Both halves come from one product, which stays alive while one of them does.
/// Source: [transformers] models/phi3/modeling_phi3.py Phi3MLP.forward
Value gated_fused(Machine& m, const MlpLayer& l, const Value& x) {
  auto halves = m.split(linear(m, "gate_up_proj", l, x, 2 * l.width), {l.width, l.width});
  Value activated = activate(m, l.activation, halves[0]);
  halves[1] = m.dropout(m.multiply(halves[1], std::move(activated)), l.inner_dropout);
  Value out = linear(m, "down_proj", l, halves[1], x->shape[-1]);
  for (Value& half : halves) half.drop();   // in Python's order; libraries destroy a vector in different ones
  return out;
}

/// Source: [transformers] models/gpt2/modeling_gpt2.py GPT2MLP.forward
Value plain(Machine& m, const MlpLayer& l, Value x) {
  const double hidden = x->shape[-1];
  const Value held_by_caller = l.inlined ? Value() : x;
  x = linear(m, "fc1", l, x, l.width);
  x = activate(m, l.activation, x);
  x = m.dropout(x, l.inner_dropout);
  x = linear(m, "fc2", l, x, hidden);
  return m.dropout(x, l.dropout);
}

}  // namespace

namespace {

Value sub_layer(Machine& m, const MlpLayer& l, Value x) {
  const Machine::Scope scope(m, "mlp");
  switch (l.kind) {
    case MlpLayer::Kind::gated: return whole_engine ? m.dropout(gated(m, l, x), l.dropout) : gated(m, l, x);
    case MlpLayer::Kind::gated_fused: return gated_fused(m, l, x);
    case MlpLayer::Kind::plain: break;
  }
  return plain(m, l, std::move(x));
}

}  // namespace

Value mlp(Machine& m, const MlpLayer& l, Value x) {
  if (!whole_engine || !m.recomputed.mlp) return sub_layer(m, l, std::move(x));
  return m.checkpoint(x, [l](Machine& on, Value input) { return sub_layer(on, l, std::move(input)); });
}

Value mlp_inner(Machine& m, const MlpLayer& l, const Value& x) {
  const Machine::Scope scope(m, "mlp");
  return activate(m, l.activation, linear(m, "fc1", l, x, l.width));
}

Value mlp_outer(Machine& m, const MlpLayer& l, const Value& inner, double hidden) {
  const Machine::Scope scope(m, "mlp");
  return linear(m, "fc2", l, inner, hidden);
}

}  // namespace gpumem
