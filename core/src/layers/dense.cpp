#include "layers/dense.hpp"

#include <algorithm>
#include <utility>

#include "layers/adapter_kinds.hpp"
#include "machine/parts.hpp"

namespace gpumem {
namespace {

bool of_mlp(std::string_view linear) { return linear == "gate_proj" || linear == "up_proj" || linear == "down_proj"; }

bool ends_mlp(std::string_view linear) { return linear == "down_proj" || linear == "fc2"; }

bool among(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

struct Lora {
  Value down, up, magnitude;
};

/// The linear that is adapted.
struct Base {
  Value weight, bias;
  bool transposed = false;
};

/// The path beside the base: up(down(dropout(x))) times a number.
/// Source: [peft] tuners/lora/layer.py Linear.forward
Value plain_path(Machine& m, const Adaptation& a, const Value& x, const Lora& lora) {
  Value low = m.linear(m.dropout(x, a.dropout), lora.down, {}, "lora_A");
  return m.scale(m.linear(std::move(low), lora.up, {}, "lora_B"), "scaled lora");
}

/// Base and adapter in one function: its input is kept as it is and as dropped, and no mask.
/// Source: [fms-acceleration] fused_ops/unsloth_lora/bnb/fast_lora.py LoRA_QKV, LoRA_W; utils.py matmul_lora
Value fused_path(Machine& m, const Adaptation& a, const Value& x, const Lora& lora) {
  const Value dropped = a.dropout > 0 ? m.scale(x, "dropped input") : x;
  Value low = m.linear(dropped, lora.down, {}, "lora_A");
  return m.linear(std::move(low), lora.up, {}, "lora_B");
}

/// The lengths of the rows of base plus adapter, computed from whole matrices without a gradient.
/// Source: [peft] tuners/lora/dora.py DoraLinearLayer.get_lora_weight, get_weight_norm
Value row_lengths(Machine& m, const Value& matrix, double in, double width, const Format* format) {
  const Value scaled = m.allocate(matrix->shape, matrix->format, "scaled adapter matrix");
  const Value sum = m.allocate({width, in}, format, "base and adapter");
  return m.allocate({width}, format, "row lengths");
}

/// In the first run of a checkpointed stretch a graph holds no tensor. Frames get their program once that run is over.
bool saves_nothing(const Machine& m) {
  return !m.recording || (!m.replaying() && !m.frames.empty() && !m.frames.back().again);
}

/// Where the adapter's input was dropped from, the base runs once more on what is left, with its weight in x's format.
/// Source: [peft] tuners/lora/dora.py DoraLinearLayer.forward; tuners/lora/variants.py DoraLinearVariant.forward
Value magnitude_path(Machine& m, const Value& x, const Value& result, const Lora& lora, const Base& base, bool dropped) {
  const double in = x->shape[-1], width = result->shape[-1];
  // Nothing of this is on the tape: its graph goes with the matrix, which is only looked at, and holds what products read.
  const Format* given = lora.down->format;
  const Format* computed = m.autocast && given == fp32 ? m.autocast : given;
  Value identity = m.allocate({in, in}, given, "identity"), read = identity;
  m.lower(lora.down);
  if (computed != given) read = m.allocate({in, in}, computed, "identity, lowered");
  Value low = m.allocate({in, lora.down->shape[0]}, computed, "lora_A of identity");
  m.lower(lora.up);
  Value matrix = m.allocate({in, width}, computed, "adapter matrix");
  if (saves_nothing(m)) read.drop(), low.drop();
  identity.drop();
  if (computed != x->format) matrix = m.allocate({in, width}, x->format, "adapter matrix, cast");
  const Value wide = m.cast(base.weight, x->format);
  const Value lengths = row_lengths(m, matrix, in, width, x->format);
  const Value factor = m.view(m.multiply(lora.magnitude, lengths), {1, width});
  const Value added = m.linear(m.linear(x, lora.down, {}, "lora_A"), lora.up, {}, "lora_B");
  const Value unbiased = dropped ? m.linear(x, wide, {}, "base without bias", base.transposed) : base.bias ? m.subtract(result, base.bias) : result;
  Value kept = m.multiply(m.add_number(factor), unbiased);
  return m.add(std::move(kept), m.scale(m.multiply(factor, added), "scaled lora"));
}

Value adapted(Machine& m, const Adaptation& a, Value x, Value result, const Base& base, double in, double width, bool fused) {
  Lora lora;
  lora.down = m.parameter("lora_A.weight", {a.rank, in}, a.format, true);
  lora.up = m.parameter("lora_B.weight", {width, a.rank}, a.format, true);
  if (a.magnitudes) lora.magnitude = m.parameter("lora_magnitude_vector.weight", {width}, a.format, true);
  if (m.adapters_off) return result;
  const Format* format = result->format;
  if (fused) return m.add(result, fused_path(m, a, x, lora));
  x = m.cast(std::move(x), a.format);
  if (a.magnitudes) {
    result = m.add(result, magnitude_path(m, m.dropout(x, a.dropout), result, lora, base, m.training && a.dropout > 0));
  } else {
    result = m.add(result, plain_path(m, a, x, lora));
  }
  return m.cast(result, format);
}

/// The second linear of an MLP has factors for what it is given, others for what they give.
/// Source: [peft] tuners/ia3/layer.py Linear.forward; utils/constants.py TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING
template <class Base>
Value scaled_by_factors(Machine& m, const Adaptation& a, bool last, Value x, double width, const Base& base) {
  const Format* given = x->format;
  const Value factors = m.parameter("ia3_l", last ? Shape{1, x->shape[-1]} : Shape{width, 1}, a.format, true);
  const auto flat = [&] { return m.scale(m.view(factors, {in(elements, factors->shape.count())}), "factors"); };
  if (m.adapters_off) return base(std::move(x));
  const Value once = flat();
  if (last) {
    const Value wide = m.cast(std::move(x), a.format);
    return base(m.cast(m.multiply(wide, once), given));
  }
  const Value result = base(x);
  return m.cast(m.multiply(result, once), result->format);
}

/// What families call the linears that the programs here call by one name.
struct OtherName {
  std::string_view linear, given;
};
constexpr OtherName other_names[] = {
    {"qkv_proj", "c_attn"}, {"qkv_proj", "query_key_value"}, {"qkv_proj", "Wqkv"}, {"qkv_proj", "W_pack"},
    {"out_proj", "c_proj"}, {"out_proj", "dense"}, {"out_proj", "o_proj"}, {"o_proj", "out_proj"}, {"o_proj", "dense"},
    {"fc1", "c_fc"}, {"fc1", "dense_h_to_4h"}, {"fc1", "up_proj"}, {"fc2", "c_proj"}, {"fc2", "dense_4h_to_h"}, {"fc2", "down_proj"},
    {"fc1", "fc_in"}, {"fc2", "fc_out"}, {"gate_proj", "w1"}, {"down_proj", "w2"}, {"up_proj", "w3"},
    {"gate_up_proj", "input_linear"}, {"down_proj", "output_linear"},
};

}  // namespace

bool Adaptation::adapts(const char* linear, Names names) const {
  if (stacks == StackNames::projections && of_mlp(linear)) return false;   // the name was taken for the stack's
  if (among(targets, "all-linear") || among(targets, linear)) return true;
  if (names == Names::its_own) return false;
  return std::any_of(std::begin(other_names), std::end(other_names), [&](const OtherName& n) { return n.linear == linear && among(targets, n.given); });
}
bool Adaptation::saves(const char* module) const { return among(saved, module); }

/// Gate and up lie in one matrix, whose adapter has the ranks of both.
/// Source: [peft] utils/transformers_weight_conversion.py _convert_peft_config_moe
double Adaptation::rank_of_stack(bool joint) const {
  if (stacks == StackNames::none || kind != Kind::low_rank) return 0;
  const std::string_view by_number = joint ? "w1" : "w2", by_projection = joint ? "gate_proj" : "down_proj";
  if (!among(targets, "all-linear") && !among(targets, stacks == StackNames::numbers ? by_number : by_projection)) return 0;
  return joint ? 2 * rank : rank;
}

bool Adaptation::adapts_router() const {
  return stacks != StackNames::none && kind == Kind::low_rank && (among(targets, "all-linear") || among(targets, "gate"));
}

Value dense(Machine& m, const char* name, Value x, double width, bool has_bias, bool transposed, Adaptation::Names names) {
  const Machine::Scope scope(m, name);
  const double in = x->shape[-1];
  const Adaptation* a = whole_engine ? m.adaptation : nullptr;
  const Format* packed = a ? a->packed : nullptr;
  const Value weight = packed ? m.parameter("weight", {width, in}, packed, false) : m.parameter("weight", transposed ? Shape{in, width} : Shape{width, in});
  const Value bias = has_bias ? m.parameter("bias", {width}) : Value();
  const auto base = [&](Value input) {
    if (whole_engine && m.products_in_8_bits) return m.linear_in_8_bits(std::move(input), weight, bias, name);
    if (!packed) return m.linear(std::move(input), weight, bias, name, transposed);
    const Format* given = input->format;   // its result comes back in it
    return m.cast(m.linear_unpacked(m.lower(std::move(input)), bias, width, name), given);
  };
  if (!a || !a->adapts(name, names)) return base(std::move(x));
  const Value held_by_caller = x;
  if (a->kind == Adaptation::Kind::factors) return scaled_by_factors(m, *a, ends_mlp(name), x, width, base);
  if (a->kind == Adaptation::Kind::rotation) {
    const Format* given = x->format;
    const Value turned = rotated(m, *a, std::move(x));
    return base(m.cast(turned, given));
  }
  const bool fused = m.fused.adapters && packed && a->kind == Adaptation::Kind::low_rank && !a->magnitudes && !of_mlp(name);
  const bool kept = std::exchange(m.packed_inputs_kept, m.packed_inputs_kept || fused);
  Value result = base(x);
  m.packed_inputs_kept = kept;
  if (a->kind == Adaptation::Kind::low_rank) return adapted(m, *a, x, std::move(result), {weight, bias, transposed}, in, width, fused);
  const Format* format = result->format;
  const Value added = beside_base(m, *a, x, width);
  return added ? m.cast(m.add(std::move(result), added), format) : result;
}

Value product(Machine& m, Value x, const Value& weight, const Value& bias, const char* label) {
  const bool packed = whole_engine && m.adaptation && m.adaptation->packed && weight->format == m.adaptation->packed;
  if (!packed) return m.linear(std::move(x), weight, bias, label);
  return m.linear_unpacked(m.lower(std::move(x)), bias, weight->shape[0], label);
}

}  // namespace gpumem
