#include "layers/quantized_cache.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace gpumem {
namespace {

using Backend = CacheQuantization::Backend;
constexpr double byte_bits = 8;

double numbers(const Value& x) { return in(elements, x->shape.count()); }

Value rows(Machine& m, const Shape& row, double count, const Format* format, const char* label, Component component = Component::activations) {
  Value made = m.allocate({row[0], row[1], count, row[3]}, format, label, component);
  made->layout = Layout::head_major;
  return made;
}

Value held(Machine& m, const Shape& shape, const Format* format, const char* label) { return m.allocate(shape, format, label, Component::kv_cache); }

/// `.contiguous()`: rows of a token that lie side by side are copied head by head.
Value laid_out(Machine& m, const Value& x) {
  const bool apart = x->layout == Layout::token_major && x->shape[1] > 1 && x->shape[2] > 1;
  return apart ? m.copy(x, "contiguous", Layout::head_major) : x;
}

/// Source: [optimum-quanto] tensor/optimizers/max_optimizer.py MaxOptimizer.optimize; library/quantize.py quantize_affine;
/// tensor/packed.py pack_weights
PackedRows pack_by_quanto(Machine& m, const CacheQuantization& how, const Value& x) {
  const Format* compute = x->format;
  const Shape grouped = {numbers(x) / how.group, how.group}, one_a_group = {grouped[0]}, packed = {numbers(x) * how.bits / byte_bits};
  PackedRows made;
  {
    const Value least = m.allocate(one_a_group, compute, "amin"), most = m.allocate(one_a_group, compute, "amax");
    const Value range = m.allocate(one_a_group, compute, "sub");
    made.scale = held(m, one_a_group, compute, "scales");
  }
  made.zero = held(m, one_a_group, compute, "shifts");
  Value whole;
  {
    Value moved = m.allocate(grouped, compute, "add");
    Value scaled = m.allocate(grouped, compute, "div");
    moved.drop();
    const Value rounded = m.allocate(grouped, compute, "round");
    scaled.drop();
    const Value clamped = m.allocate(grouped, compute, "clamp");
    whole = m.allocate(grouped, uint8, "whole numbers");
  }
  made.data = held(m, packed, uint8, "packed");
  const Value shifted = m.allocate(packed, uint8, "lshift");
  return made;
}

/// Source: [optimum-quanto] library/unpack.py; tensor/qbits.py QBitsDequantizer.forward
Value unpack_by_quanto(Machine& m, const CacheQuantization& how, const PackedRows& from, const Shape& row, double count) {
  Value whole;
  {
    std::array<Value, 4> parts;   // of at most 4 in a byte
    for (double i = 0; i < byte_bits / how.bits; ++i) {
      const Value masked = m.allocate(from.data->shape, uint8, "masked");
      parts[static_cast<std::size_t>(i)] = m.allocate(from.data->shape, uint8, "rshift");
    }
    whole = m.allocate({in(elements, from.data->shape.count()) * byte_bits / how.bits}, uint8, "unpacked");
  }
  return rows(m, row, count, from.scale->format, "unpacked");
}

/// HQQ looks for the zeros with the least error in at most 20 rounds; from the second on it holds the last round's
/// numbers too, and a second round always comes.
/// Source: [hqq] core/optimize.py optimize_weights_proximal_legacy, _legacy_step, shrink_lp_op
void search_zeros(Machine& m, const Shape& grouped) {
  const Shape one_a_group = {grouped[0]};
  const Value half = m.allocate(grouped, fp16, "numbers in fp16"), scale = m.allocate(one_a_group, fp16, "scale");
  Value zero = m.allocate(one_a_group, fp16, "zero");
  const Value least_error = m.allocate({1}, fp32, "error");
  Value restored, whole;
  for (int round = 0; round < 2; ++round) {
    Value product = m.allocate(grouped, fp16, "mul"), sum = m.allocate(grouped, fp16, "add");
    product.drop();
    Value next_whole = m.allocate(grouped, fp16, "round");
    sum.drop();
    Value apart = m.allocate(grouped, fp16, "sub"), next_restored = m.allocate(grouped, fp16, "div");
    apart.drop();
    Value error = m.allocate(grouped, fp16, "error"), out = m.allocate(grouped, fp16, "abs");
    {
      Value power = m.allocate(grouped, fp16, "pow");
      const Value weighed = m.allocate(grouped, fp16, "mul");
    }
    { const Value sign = m.allocate(grouped, fp16, "sign"); }
    error.drop();
    {
      Value near = m.allocate(grouped, fp16, "sub"), scaled = m.allocate(grouped, fp16, "mul");
      near.drop();
      const Value off = m.allocate(grouped, fp16, "sub");
      scaled.drop();
      zero = m.allocate(one_a_group, fp16, "zero");
    }
    out.drop();
    restored = std::move(next_restored);
    whole = std::move(next_whole);
    const Value difference = m.allocate(grouped, fp16, "sub"), size = m.allocate(grouped, fp16, "abs");
  }
}

/// Source: [hqq] core/quantize.py Quantizer.quantize, cuda; core/bitpack.py
PackedRows pack_by_hqq(Machine& m, const CacheQuantization& how, const Value& x) {
  const Shape grouped = {numbers(x) / how.group, how.group}, one_a_group = {grouped[0]}, packed = {numbers(x) * how.bits / byte_bits};
  PackedRows made;
  {
    Value wide = m.allocate(grouped, fp32, "numbers in fp32");
    {
      const Value least = m.allocate(one_a_group, fp32, "min"), most = m.allocate(one_a_group, fp32, "max");
      const Value range = m.allocate(one_a_group, fp32, "range"), scale = m.allocate(one_a_group, fp32, "scale"), zero = m.allocate(one_a_group, fp32, "zero");
      search_zeros(m, grouped);
    }
    made.scale = m.allocate(one_a_group, fp16, "scales");
    made.zero = m.allocate(one_a_group, fp16, "zeros");
    Value product = m.allocate(grouped, fp32, "mul"), sum = m.allocate(grouped, fp32, "add");
    product.drop();
    const Value whole = m.allocate(grouped, fp32, "round");
    sum.drop();
    wide.drop();
    const Value bytes_of_them = m.allocate(grouped, uint8, "whole numbers");
    if (how.bits < byte_bits) {
      Value high = m.allocate(packed, uint8, "lshift");
      made.data = held(m, packed, uint8, "packed");
    } else {
      made.data = held(m, packed, uint8, "packed");
    }
  }
  made.scale = held(m, one_a_group, x->format, "scales");
  made.zero = held(m, one_a_group, x->format, "zeros");
  return made;
}

/// Source: [hqq] core/bitpack.py unpack_4bit_u8; core/quantize.py Quantizer.dequantize
Value unpack_by_hqq(Machine& m, const CacheQuantization& how, const PackedRows& from, const Shape& row, double count) {
  const Value whole = rows(m, row, count, from.scale->format, "unpacked");
  if (how.bits < byte_bits) {
    const Value masked = m.allocate(from.data->shape, uint8, "masked");
    const Value shifted = m.allocate(from.data->shape, uint8, "rshift");
  }
  const Value centred = rows(m, row, count, from.scale->format, "sub");
  return rows(m, row, count, from.scale->format, "unpacked");
}

PackedRows pack(Machine& m, const CacheQuantization& how, const Value& x) {
  const Value base = laid_out(m, x);
  return how.backend == Backend::hqq ? pack_by_hqq(m, how, base) : pack_by_quanto(m, how, base);
}

Value unpack(Machine& m, const CacheQuantization& how, const PackedRows& from, const Shape& row, double count) {
  return how.backend == Backend::hqq ? unpack_by_hqq(m, how, from, row, count) : unpack_by_quanto(m, how, from, row, count);
}

/// Numbers of eight bits, one scale for all, which the first pass fixes.
/// Source: [transformers] cache_utils.py Fp8QuantizedLayer._quantize
Value in_eight_bits(Machine& m, const Value& x, Component component, Value* scale) {
  if (scale) {
    { const Value sizes = m.allocate(x->shape, x->format, "abs"); }
    *scale = held(m, {1}, fp32, "scale");
  }
  Value wide = m.cast(x, fp32);
  const Value divided = m.allocate(x->shape, fp32, "div");
  wide.drop();
  return m.allocate(x->shape, uint8, "numbers in fp8", component);
}

Value from_eight_bits(Machine& m, const Value& x, const Format* compute) {
  Value wide = m.allocate(x->shape, fp32, "widened");
  const Value scaled = m.allocate(x->shape, fp32, "mul");
  wide.drop();
  return rows(m, x->shape, x->shape[2], compute, "unpacked");
}

/// Source: [transformers] cache_utils.py Fp8QuantizedLayer.update
PackedUpdate update_in_eight_bits(Machine& m, PackedLayer& layer, const Value& key, const Value& value) {
  if (!layer.keys.data) {
    layer.keys.data = in_eight_bits(m, key, Component::kv_cache, &layer.keys.scale);
    layer.values.data = in_eight_bits(m, value, Component::kv_cache, &layer.values.scale);
    layer.packed = key->shape[2];
    return {key, value};
  }
  const Value old_keys = layer.keys.data, old_values = layer.values.data;   // held by the function's variables
  const Value more_keys = in_eight_bits(m, key, Component::activations, nullptr), more_values = in_eight_bits(m, value, Component::activations, nullptr);
  layer.packed += key->shape[2];
  layer.keys.data = rows(m, key->shape, layer.packed, uint8, "keys in fp8", Component::kv_cache);
  layer.values.data = rows(m, value->shape, layer.packed, uint8, "values in fp8", Component::kv_cache);
  Value keys = from_eight_bits(m, layer.keys.data, key->format);
  return {std::move(keys), from_eight_bits(m, layer.values.data, value->format)};
}

/// The smaller tensors' halves as they are after that many rows, packed and not.
void set_rows(Machine& m, const CacheQuantization& how, PackedRows& half, const Shape& row, double packed, double waiting) {
  const Format* compute = half.scale->format;
  const double all = row[0] * row[1] * row[3] * packed;
  if (how.backend == Backend::fp8) {
    half.data.drop();
    half.data = rows(m, row, packed, uint8, "numbers in fp8", Component::kv_cache);
    return;
  }
  half = {};
  half.scale = held(m, {all / how.group}, compute, "scales");
  half.zero = held(m, {all / how.group}, compute, "zeros");
  half.data = held(m, {all * how.bits / byte_bits}, uint8, "packed");
  if (waiting > 0) half.newest = rows(m, row, waiting, compute, "newest", Component::kv_cache);
}

}  // namespace

double CacheQuantization::bytes_per_number(const Format* compute) const {
  if (backend == Backend::fp8) return 1;
  return bits / byte_bits + 2 * in(bytes, stored_bytes(elements(1), *compute)) / group;
}

/// Source: [transformers] cache_utils.py QuantizedLayer.update
PackedUpdate update_packed(Machine& m, const CacheQuantization& how, PackedLayer& layer, const Value& key, const Value& value) {
  layer.row = key->shape;
  layer.value_row = value->shape;
  layer.step = key->shape[2];
  if (how.backend == Backend::fp8) return update_in_eight_bits(m, layer, key, value);
  const double added = key->shape[2];
  if (!layer.keys.data) {
    layer.keys = pack(m, how, key);
    layer.values = pack(m, how, value);
    layer.packed = added;
    return {key, value};
  }
  const Value old_keys = unpack(m, how, layer.keys, layer.row, layer.packed);   // held until the function ends
  const Value old_values = unpack(m, how, layer.values, layer.value_row, layer.packed);
  const double joined = layer.packed + layer.waiting + added;
  Value keys = rows(m, layer.row, joined, key->format, "keys"), values = rows(m, layer.value_row, joined, value->format, "values");
  if (layer.waiting + added >= how.newest) {
    layer.keys = [&] { PackedRows made = pack(m, how, keys); made.newest = layer.keys.newest; return made; }();
    layer.values = [&] { PackedRows made = pack(m, how, values); made.newest = layer.values.newest; return made; }();
    layer.keys.newest.drop();
    layer.values.newest.drop();
    layer.packed = joined;
    layer.waiting = 0;
  } else {
    layer.waiting += added;
    layer.keys.newest = rows(m, layer.row, layer.waiting, key->format, "newest", Component::kv_cache);
    layer.values.newest = rows(m, layer.value_row, layer.waiting, value->format, "newest", Component::kv_cache);
  }
  return {std::move(keys), std::move(values)};
}

double last_packing(const CacheQuantization& how, const PackedLayer& layer, double end) {
  if (how.backend == Backend::fp8) return 0;
  const double step = layer.step, every = std::max(std::ceil(how.newest / step), 1.0) * step;
  const double first = layer.packed + layer.waiting + std::max(std::ceil((how.newest - layer.waiting) / step), 1.0) * step;
  return first > end ? 0 : first + std::floor((end - first) / every) * every;
}

void stretch_packed(Machine& m, const CacheQuantization& how, PackedLayer& layer, double seen) {
  if (!layer.keys.data) return;
  if (how.backend == Backend::fp8) {
    layer.packed = seen;
  } else if (const double last = last_packing(how, layer, seen); last > 0) {
    layer.packed = last;
    layer.waiting = seen - last;
  } else {
    layer.waiting = seen - layer.packed;
  }
  set_rows(m, how, layer.keys, layer.row, layer.packed, layer.waiting);
  set_rows(m, how, layer.values, layer.value_row, layer.packed, layer.waiting);
}

}  // namespace gpumem
