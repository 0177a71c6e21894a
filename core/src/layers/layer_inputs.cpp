// Inputs of single layers.
// Source: [transformers] models/gemma4/modeling_gemma4.py Gemma4TextModel, models/gemma3n/modeling_gemma3n.py Gemma3nTextModel

#include "layers/layer_inputs.hpp"

#include "layers/dense.hpp"
#include "layers/mlp.hpp"
#include "layers/norms.hpp"

namespace gpumem {

Value layer_inputs(Machine& m, const Decoder& model, const Value& ids, const Value& embeddings) {
  const DecoderLayer& l = model.layers[0];
  const double layers = static_cast<double>(model.layers.size()), width = layers * l.own_input;
  const Shape each = {ids->shape[0], ids->shape[1], layers, l.own_input};
  const bool in_place = l.order == DecoderLayer::Order::streams;
  const Value table = m.parameter("embed_tokens_per_layer.weight", {model.input_rows, width});
  const Value rows = m.scale(m.embedding(ids, table, "inputs of layers"), "scaled inputs of layers");
  Value projected = dense(m, "per_layer_model_projection", embeddings, width, false);
  projected = in_place ? m.scale_in_place(projected) : m.scale(projected);
  projected = m.view(projected, each);
  projected = normalise(m, "per_layer_projection_norm", l.norm, projected);
  return m.scale(m.add(projected, m.view(rows, each)), "inputs of layers");
}

Pass with_input_of_layer(Machine& m, const DecoderLayer& l, const Pass& pass) {
  Pass own = pass;
  const Shape& all = pass.layer_inputs->shape;
  own.layer_input = m.pick(pass.layer_inputs, {all[0], all[1], l.own_input});
  own.layer_inputs.drop();
  return own;
}

Value let_in(Machine& m, const DecoderLayer& l, Value x, const Value& input) {
  const Value residual = l.order == DecoderLayer::Order::streams ? Value() : x;
  const double hidden = x->shape[-1];
  x = dense(m, "per_layer_input_gate", x, l.own_input, false);
  x = activate(m, l.mlp.activation, x);
  x = m.multiply(x, input);
  x = dense(m, "per_layer_projection", x, hidden, false);
  x = normalise(m, "post_per_layer_input_norm", l.norm, x);
  return residual ? m.add(residual, x) : x;
}

/// Source: [transformers] models/gemma4/modeling_gemma4.py Gemma4TextModel._maybe_slice_kv_shared_inputs
void keep_last_tokens(Machine& m, Pass& pass, Value& hidden) {
  const bool mask_missing = !pass.mask[0] || !pass.mask[1];
  if (!pass.last_token_only || pass.tokens == 1 || pass.kernel == AttentionKernel::flash) return;
  if (pass.kernel == AttentionKernel::sdpa && (pass.kept_tokens > 1 || pass.cache->fixed()) && mask_missing) return;
  const auto last = [&](Value& x, int extent) {
    if (!x) return;
    Shape shape = x->shape;
    shape[extent] = pass.kept_tokens;
    x = m.view(x, shape);
  };
  last(hidden, 1);
  last(pass.layer_inputs, 1);
  for (RotaryTables& t : pass.rotary) last(t.cos, 1), last(t.sin, 1);
  for (Value& mask : pass.mask) last(mask, 2);
  pass.past += pass.tokens - pass.kept_tokens;
  pass.tokens = pass.kept_tokens;
}

}  // namespace gpumem
