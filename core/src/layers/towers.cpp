// Images and texts made comparable: what is read of each encoder's rows, how alike pairs are, and the loss of that.

#include "layers/dense.hpp"
#include "layers/encoder_run.hpp"
#include "layers/mlp.hpp"
#include "layers/norms.hpp"

namespace gpumem {
namespace {

/// One learned row asks all others, by PyTorch's own module, which copies what it is given token by token.
/// Source: [pytorch] torch/nn/functional.py multi_head_attention_forward, _in_projection_packed
Value asked(Machine& m, const Head& head, const Value& hidden) {
  const double b = hidden->shape[0], s = hidden->shape[1], h = hidden->shape[2], dim = h / head.heads;
  Value probe = m.stretch(m.parameter("probe", {1, 1, h}), {b, 1, h});
  probe = m.copy(probe, "probe, repeated", Layout::token_major);
  const auto weights = m.split(m.parameter("in_proj_weight", {h, 3 * h}), {h, 2 * h});
  const auto biases = m.split(m.parameter("in_proj_bias", {3 * h}), {h, 2 * h});
  Value query = m.linear(probe, weights[0], biases[0], "query", true);
  Value rows = b > 1 ? m.copy(hidden, "rows, token by token", Layout::token_major) : hidden;
  Value both = m.linear(std::move(rows), weights[1], biases[1], "keys and values", true);
  both = m.copy(std::move(both), "keys and values, one after the other", Layout::token_major);
  const auto halves = m.split(both, {h, h});
  const auto of_heads = [&](const Value& x, double tokens) {
    Value v = m.view(x, {b, head.heads, tokens, dim});
    v->layout = Layout::head_major;
    return v;
  };
  query = m.scale(of_heads(query, 1), "scaled query");
  const Value keys = of_heads(halves[0], s), values = of_heads(halves[1], s);
  Value scores = m.matmul(query, m.view(keys, {b, head.heads, dim, s}), "scores");
  scores = m.softmax(std::move(scores));
  Value context = m.view(m.matmul(scores, values, "attention output"), {b, 1, h});
  return dense(m, "out_proj", context, h, true);
}

}  // namespace

/// Source: [transformers] models/clip/modeling_clip.py CLIPVisionModel.forward, CLIPTextModel.forward,
/// models/siglip/modeling_siglip.py SiglipMultiheadAttentionPoolingHead.forward, SiglipTextModel.forward
Value EncoderRun::pooled(Machine& m, const Head& head, const Value& hidden) {
  const Machine::Scope scope(m, "head");
  const double h = hidden->shape[2];
  const Shape row = {hidden->shape[0], h};
  switch (head.kind) {
    case Head::Kind::first_normed: return normalise(m, "post_layernorm", NormKind::layer, m.pick(hidden, row));
    case Head::Kind::chosen: return m.copy(m.pick(hidden, row), "rows chosen", Layout::token_major);
    case Head::Kind::last_dense: return dense(m, "head", m.pick(hidden, row), head.classes, true);
    default: break;
  }
  const Value residual = asked(m, head, hidden);
  Value x = mlp(m, head.mlp, normalise(m, "layernorm", NormKind::layer, residual));
  x = m.add(residual, std::move(x));
  return m.pick(x, row);
}

/// Source: [transformers] models/clip/modeling_clip.py CLIPModel.forward, models/siglip/modeling_siglip.py
/// SiglipModel.forward
Value EncoderRun::similarity(Machine& m, const Value& pixels, const Value& ids, const Pass& pass, std::string_view phase, std::vector<Value>& given) {
  const Towers& t = *model_.towers;
  const auto read = [&](const Head& head, const char* projection, Value rows) {
    Value made = pooled(m, head, rows);
    given.push_back(std::move(rows));
    if (t.shared > 0) made = dense(m, projection, std::move(made), t.shared, false);
    given.push_back(made);
    return made;
  };
  Value image = read(model_.head, "visual_projection", encode(m, pixels, pass, phase));
  Value text = read(t.text, "text_projection", decode(m, ids, pass, phase));
  for (Value* x : {&image, &text}) {
    const Value length = m.power(m.sum_last(m.power(*x, "x^2")), "length");
    *x = m.divide(*x, length);
    given.push_back(*x);
  }
  Value similar = m.linear(text, image, {}, "similarities");
  similar = m.multiply(similar, m.exp(m.parameter("logit_scale", {1})));
  if (t.biased) similar = m.add(similar, m.parameter("logit_bias", {1}));
  given.push_back(similar);
  return similar;
}

/// Source: [transformers] models/clip/modeling_clip.py image_text_contrastive_loss
Value EncoderRun::pair_loss(Machine& m, const Value& similar) {
  const Value targets = m.allocate({similar->shape[0]}, int64, "numbers of pairs");
  Value loss = m.nll_loss(m.log_softmax(m.widen(similar)), targets);
  if (model_.towers->biased) return loss;   // of each pair by itself: as large
  loss = m.add(loss, m.nll_loss(m.log_softmax(m.widen(similar)), targets));
  return m.scale(loss, "loss / 2");
}

}  // namespace gpumem
