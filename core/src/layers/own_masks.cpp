// Masks and biases by distance of families that make them themselves.

#include "layers/falcon.hpp"
#include "layers/older_attention.hpp"

namespace gpumem {
namespace {

double keys_of(const Pass& pass) { return pass.cache ? pass.cache->keys_met(pass.past, pass.tokens, 0) : pass.tokens; }

/// Source: [transformers] models/bloom/modeling_bloom.py BloomModel.forward
Value bloom_biases(Machine& m, const Pass& pass, double heads, const Format* format) {
  Value distances = m.allocate({keys_of(pass)}, int64, "distances");
  Value biases = m.allocate({heads, 1, keys_of(pass)}, fp32, "linear biases");
  distances.drop();
  Value repeated = m.allocate({pass.sequences * heads, 1, keys_of(pass)}, fp32, "linear biases, repeated");
  return m.cast(std::move(repeated), format);
}

}  // namespace

Value linear_biases(Machine& m, const Pass& pass, const AttentionLayer& a, const Format* format, Value& positions, Value& ones) {
  if (a.form == AttentionLayer::Form::falcon) return falcon_biases(m, pass, a.heads, format, positions, ones);
  /// For every token the model was made for, whatever is asked of it.
  /// Source: [transformers] models/mpt/modeling_mpt.py build_mpt_alibi_tensor
  if (a.form == AttentionLayer::Form::mpt) return m.allocate({a.heads, 1, a.position_rows}, fp32, "linear biases");
  positions = m.allocate({a.heads}, fp32, "slopes");
  return bloom_biases(m, pass, a.heads, format);
}

Value own_mask(Machine& m, const AttentionLayer& a, Pass& pass, const Format* format) {
  if (a.form == AttentionLayer::Form::falcon) return falcon_mask(m, a, pass, format);
  if (a.form != AttentionLayer::Form::mpt) return attention_mask(m, pass, a.window, format);
  /// Source: [transformers] models/mpt/modeling_mpt.py MptModel.forward
  const Shape shape = {pass.sequences, 1, pass.tokens, keys_of(pass)};
  Value flags = m.allocate({1, 1, pass.tokens, keys_of(pass)}, byte_flag, "causal mask");
  const Value numbers = m.allocate(shape, format, "additive mask");
  flags.drop();
  return m.allocate(shape, byte_flag, "mask");
}

}  // namespace gpumem
