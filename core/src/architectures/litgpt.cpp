#include "architectures/litgpt.hpp"

namespace gpumem {
namespace {

bool has_layer(const DecoderLayer& l) {
  using Order = DecoderLayer::Order;
  const AttentionLayer& a = l.attention;
  const bool ordered = l.order == Order::sequential || l.order == Order::kept_all || l.order == Order::parallel || l.order == Order::one_norm;
  const bool normed = l.norm == NormKind::rms || l.norm == NormKind::layer;
  const bool special = l.experts || l.mixer || l.cross || l.scaled || a.latent || a.qk_norm || a.gated || a.sinks || a.biased_scores || a.clipped || a.softcap;
  const bool shared = a.form == AttentionLayer::Form::shared || a.form == AttentionLayer::Form::falcon;
  return ordered && normed && shared && !special && a.window == 0 && a.rotary != AttentionLayer::Rotary::none;
}

/// Source: [litgpt] lit_gpt/rmsnorm.py RMSNorm.forward
NormKind own_norm(NormKind kind) { return kind == NormKind::rms ? NormKind::rms_wide : kind; }

/// Source: [litgpt] lit_gpt/model.py LLaMAMLP.forward, GptNeoxMLP.forward
void rewrite(MlpLayer& l) {
  if (l.kind == MlpLayer::Kind::plain) {
    if (l.activation == Activation::gelu_composed || l.activation == Activation::gelu_fast) l.activation = Activation::gelu;
  } else {
    l.kind = MlpLayer::Kind::gated;
    l.kept_halves = true;
  }
  l.transposed = l.kept_inner = l.inlined = false;
  l.dropout = l.inner_dropout = 0;
}

/// Source: [litgpt] lit_gpt/model.py Block.forward, CausalSelfAttention.forward
void rewrite(DecoderLayer& l) {
  if (l.order == DecoderLayer::Order::sequential) l.order = DecoderLayer::Order::kept_all;
  l.norm = own_norm(l.norm);
  l.dropout = 0;
  rewrite(l.mlp);
  AttentionLayer& a = l.attention;
  a.form = AttentionLayer::Form::litgpt;
  a.rotary = AttentionLayer::Rotary::whole;
  a.rotary_format = AttentionLayer::RotaryFormat::wide_tables;
  a.rotary_repeated = a.transposed = a.scaled_key = a.scaled_query = false;
  a.dropout = a.output_dropout = 0;
}

}  // namespace

bool run_as_litgpt(Decoder& m) {
  for (const DecoderLayer& l : m.layers)
    if (!has_layer(l)) return false;
  if (m.learned_positions > 0 || m.fixed_positions > 0 || m.embedding_norm || m.linear_biases || m.final_softcap) return false;
  for (DecoderLayer& l : m.layers) rewrite(l);
  if (m.final_norm) m.final_norm = own_norm(*m.final_norm);
  m.tied = false;   // its head has a weight of its own, always
  m.embedding_dropout = 0;
  m.own_loss = m.eager_only = m.loss_once_narrow = m.presents_once_kept = m.positions_from_mask = false;
  m.mask_buffer = 0;
  return true;
}

}  // namespace gpumem
