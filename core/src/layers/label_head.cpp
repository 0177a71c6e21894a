// Classes read off rows of text.

#include "layers/dense.hpp"
#include "layers/encoder_run.hpp"
#include "layers/norms.hpp"

namespace gpumem {
namespace {

Value activated(Machine& m, LabelHead::By by, Value x) {
  switch (by) {
    case LabelHead::By::tanh: return m.tanh(std::move(x));
    case LabelHead::By::relu: return m.relu(std::move(x));
    case LabelHead::By::gelu: return m.gelu(std::move(x));
    case LabelHead::By::nothing: break;
  }
  return x;
}

/// Source: [transformers] models/modernbert/modeling_modernbert.py ModernBertForSequenceClassification.forward
Value mean_row(Machine& m, const Value& hidden) {
  const double b = hidden->shape[0], s = hidden->shape[1], h = hidden->shape[2];
  const Value mask = m.allocate({b, s}, byte_flag, "mask of ones");
  const Value masked = m.scale(hidden, "rows that count");
  const Value sum = m.sum_rows(m.view(masked, {b * s, h}), s);
  m.allocate({b, 1}, int64, "rows that count");
  return m.scale(sum, "mean of all rows");
}

}  // namespace

/// Source: [transformers] models/bert/modeling_bert.py BertForSequenceClassification.forward,
/// BertForTokenClassification.forward, models/roberta/modeling_roberta.py RobertaClassificationHead.forward,
/// models/distilbert/modeling_distilbert.py DistilBertForSequenceClassification.forward
Value EncoderRun::labels(Machine& m, const Value& hidden) {
  const LabelHead& head = model_.head.labels;
  Value x = hidden;
  if (head.row == LabelHead::Row::first) x = m.pick(hidden, {hidden->shape[0], hidden->shape[2]});
  if (head.row == LabelHead::Row::mean) x = mean_row(m, hidden);
  if (head.pooled) x = m.tanh(dense(m, "pooler.dense", x, model_.hidden, true));
  x = m.dropout(std::move(x), head.first_dropout);
  if (head.dense) {
    x = activated(m, head.by, dense(m, "classifier.dense", x, model_.hidden, head.dense_bias));
    if (head.norm) x = normalise(m, "classifier.norm", *head.norm, x);
    x = m.dropout(std::move(x), head.last_dropout);
  }
  if (model_.head.aligned) beside_.push_back(x);
  const Component before = std::exchange(m.made, Component::logits);
  Value scores = dense(m, "classifier", x, model_.head.classes, true);
  m.made = before;
  return scores;
}

}  // namespace gpumem
