// Source: [transformers] models/qwen3/modeling_qwen3.py Qwen3Model.forward, and those of its kin; as text encoders of
// [diffusers] pipelines they are called with output_hidden_states and keep a cache that nobody reads.

#include "layers/diffusion/language_text.hpp"

#include "layers/attention.hpp"
#include "layers/block.hpp"
#include "layers/dense.hpp"
#include "layers/norms.hpp"
#include "layers/rotary.hpp"

namespace gpumem {

void LanguageTextEncoder::declare(Machine& m) const {
  encode(m, m.allocate({1, 1}, int64, "token ids"), false, false);
  for (const Held& t : beside) {
    m.parameter(t.name.c_str(), t.shape);
    m.parameters.rows.back().copies = t.copies;
  }
}

/// Source: [transformers] models/qwen3/modeling_qwen3.py Qwen3RotaryEmbedding.__init__: inverse frequencies, twice
std::vector<Value> LanguageTextEncoder::buffers(Machine& m) const {
  const double half = model.layers.front().attention.rotary_dim / 2;
  return {m.allocate({half}, fp32, "inverse frequencies", Component::workspace), m.allocate({half}, fp32, "inverse frequencies", Component::workspace)};
}

TextStates LanguageTextEncoder::encode(Machine& m, const Value& ids, bool masked, bool every) const {
  const double b = ids->shape[0], s = ids->shape[1];
  const Value table = m.parameter("embed_tokens.weight", {model.vocabulary, model.hidden});
  Value h = m.embedding(ids, table, "token embeddings");
  if (model.embedding_scaled) h = m.scale(std::move(h), "scaled embeddings");
  const Value positions = m.allocate({1, s}, int64, "positions");
  Pass pass;
  pass.sequences = b;
  pass.tokens = s;
  // Scores that are capped have no fused kernel. Masks: padding is joined with what may be seen.
  // Source: [transformers] models/gemma2/modeling_gemma2.py eager_attention_forward; masking_utils.py sdpa_mask, eager_mask
  const bool composed = model.layers.front().attention.softcap;
  pass.kernel = composed ? AttentionKernel::eager : AttentionKernel::sdpa;
  for (Value& mask : pass.mask)
    if (composed || masked) mask = m.allocate({b, 1, s, s}, composed ? h->format : byte_flag, "mask");
  pass.rotary[0] = rotary_tables(m, model.layers.front().attention, s, h->format, 1);
  std::vector<KvCache> caches(model.layers.size(), KvCache(KvCache::Kind::grown, h->format));
  TextStates made;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    if (every) made.states.push_back(h);
    pass.cache = m.declaring ? nullptr : &caches[i];
    h = decoder_layer(m, model.layers[i], h, pass.of(model.layers[i].attention.window > 0));
  }
  if (model.final_norm) h = normalise(m, "norm", *model.final_norm, h);
  made.last = h;
  if (every) made.states.push_back(h);
  if (!makes_logits) return made;
  const Value weight = model.tied ? table : m.parameter("lm_head.weight", {model.vocabulary, model.hidden});
  m.linear(h, weight, {}, "logits");
  return made;
}

}  // namespace gpumem
