// Layers of encoders, and of decoders that attend to an encoder's output.

#include "layers/attention.hpp"
#include "layers/block.hpp"
#include "layers/mlp.hpp"
#include "layers/norms.hpp"

namespace gpumem {
namespace {

/// Source: [transformers] models/bert/modeling_bert.py BertAttention.forward, BertLayer.forward,
/// models/distilbert/modeling_distilbert.py TransformerBlock.forward (whose modules hold less)
Value modules_norm_last(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass) {
  AttentionResult attended = attention(m, l.attention, x, pass);
  Value output = m.dropout(std::move(attended.output), l.dropout);
  output = normalise(m, "attention.LayerNorm", l.norm, m.add(output, x));
  attended.context.drop();
  Value inner, fed;
  if (l.mlp.kept_inner) {
    inner = mlp_inner(m, l.mlp, output);
    fed = mlp_outer(m, l.mlp, inner, x->shape[-1]);
  } else {
    fed = mlp(m, l.mlp, output);
  }
  fed = m.dropout(std::move(fed), l.mlp.kept_inner ? l.dropout : 0);
  return normalise(m, "output.LayerNorm", l.norm, m.add(fed, output));
}

/// Source: [transformers] models/whisper/modeling_whisper.py WhisperEncoderLayer.forward, WhisperDecoderLayer.forward,
/// models/bart/modeling_bart.py BartEncoderLayer.forward, BartDecoderLayer.forward
Value inlined(Machine& m, const DecoderLayer& l, Value x, const Pass& pass) {
  const bool first = l.order == DecoderLayer::Order::inlined_norm_first;
  const double hidden = x->shape[-1];
  Value residual = x;
  const auto opened = [&](const char* name) {
    residual = x;
    if (first) x = normalise(m, name, l.norm, x);
  };
  const auto closed = [&](const char* name) {
    x = m.dropout(x, l.dropout);
    x = m.add(residual, x);
    if (!first) x = normalise(m, name, l.norm, x);
  };
  opened("self_attn_layer_norm");
  AttentionResult attended = attention(m, l.attention, x, pass);
  x = std::move(attended.output);
  closed("self_attn_layer_norm");
  if (l.cross) {
    opened("encoder_attn_layer_norm");
    attended = attention(m, *l.cross, x, pass);
    x = std::move(attended.output);
    closed("encoder_attn_layer_norm");
  }
  opened("final_layer_norm");
  x = mlp_inner(m, l.mlp, x);
  x = m.dropout(x, l.mlp.inner_dropout);
  x = mlp_outer(m, l.mlp, x, hidden);
  closed("final_layer_norm");
  return x;
}

/// Source: [transformers] models/t5/modeling_t5.py T5LayerSelfAttention.forward, T5LayerCrossAttention.forward,
/// T5LayerFF.forward, T5Block.forward
Value sub_layers(Machine& m, const DecoderLayer& l, Value x, const Pass& pass) {
  Value probabilities;
  const auto attended_by = [&](const char* norm, const AttentionLayer& a) {
    const Value normed = normalise(m, norm, l.norm, x);
    AttentionResult attended = attention(m, a, normed, pass);
    x = m.add(x, m.dropout(attended.output, l.dropout));
    probabilities = std::move(attended.probabilities);
  };
  attended_by("layer.0.layer_norm", l.attention);
  if (l.cross) attended_by("layer.1.layer_norm", *l.cross);
  Value forwarded = normalise(m, "ff.layer_norm", l.norm, x);
  forwarded = mlp(m, l.mlp, forwarded);
  return m.add(x, m.dropout(forwarded, l.dropout));
}

/// Source: [transformers] models/modernbert/modeling_modernbert.py ModernBertEncoderLayer.forward
Value kept_output(Machine& m, const DecoderLayer& l, Value x, const Pass& pass) {
  const AttentionResult attended = attention(m, l.attention, l.first_norm ? normalise(m, "attn_norm", l.norm, x) : x, pass);
  x = m.add(x, attended.output);
  x = m.add(x, mlp(m, l.mlp, normalise(m, "mlp_norm", l.norm, x)));
  return x;
}

/// Source: [transformers] models/gte/modeling_gte.py GteLayer.forward
Value norm_last_kept(Machine& m, const DecoderLayer& l, Value x, const Pass& pass) {
  const AttentionResult attended = attention(m, l.attention, x, pass);
  x = m.add(x, m.dropout(attended.output, l.dropout));
  x = normalise(m, "post_attention_layernorm", l.norm, x);
  const Value residual = x;
  x = mlp(m, l.mlp, x);
  x = m.add(residual, m.dropout(x, l.dropout));
  return normalise(m, "post_mlp_layernorm", l.norm, x);
}

/// Source: [transformers] models/wav2vec2/modeling_wav2vec2.py Wav2Vec2EncoderLayer.forward,
/// Wav2Vec2EncoderLayerStableLayerNorm.forward
Value probabilities_kept(Machine& m, const DecoderLayer& l, const Value& x, const Pass& pass) {
  const bool first = l.order == DecoderLayer::Order::probabilities_kept_first;
  Value hidden = x;
  if (first) hidden = normalise(m, "layer_norm", l.norm, hidden);
  AttentionResult attended = attention(m, l.attention, hidden, pass);
  hidden = std::move(attended.output);
  hidden = m.dropout(hidden, l.dropout);
  hidden = m.add(x, hidden);
  if (first) return m.add(hidden, mlp(m, l.mlp, normalise(m, "final_layer_norm", l.norm, hidden)));
  hidden = normalise(m, "layer_norm", l.norm, hidden);
  hidden = m.add(hidden, mlp(m, l.mlp, hidden));
  return normalise(m, "final_layer_norm", l.norm, hidden);
}

}  // namespace

Value encoder_layer(Machine& m, const DecoderLayer& l, Value x, const Pass& pass) {
  switch (l.order) {
    case DecoderLayer::Order::modules_norm_last: return modules_norm_last(m, l, x, pass);
    case DecoderLayer::Order::sub_layers: return sub_layers(m, l, std::move(x), pass);
    case DecoderLayer::Order::norm_last_kept: return norm_last_kept(m, l, std::move(x), pass);
    case DecoderLayer::Order::probabilities_kept_last:
    case DecoderLayer::Order::probabilities_kept_first: return probabilities_kept(m, l, x, pass);
    case DecoderLayer::Order::kept_output: return kept_output(m, l, std::move(x), pass);
    default: break;
  }
  return inlined(m, l, std::move(x), pass);
}

}  // namespace gpumem
