// What the first and the last stage have beside their layers: a divided table of tokens, a divided head, and the loss.

#include "layers/megatron/block.hpp"
#include "layers/megatron/linears.hpp"

namespace gpumem::megatron {
namespace {

/// The whole table's gradient, in the table's format, until it is added to the main gradients.
void embedding_backward(Machine& m, Node& n, Gradients&) {
  Value gathered;
  if (n.output[0].shape[0] < n.input[1].shape[0]) gathered = m.allocate({n.input[1].shape[0], n.output[0].shape[-1]}, n.output[0].format, "gradient, gathered", Component::workspace);
  const Value table = m.allocate(n.input[0].shape, n.input[0].format, "table gradient", Component::workspace);
}

/// The gathered input lies in a buffer that is kept for all.
/// Source: [megatron-lm] megatron/core/tensor_parallel/layers.py LinearWithGradAccumulationAndAsyncCommunication
void head_backward(Machine& m, Node& n, Gradients& g) {
  const Shape& in = n.input[0].shape;
  const double rows = g.given[0]->shape[0];
  Value made = m.allocate({rows, in[-1]}, n.input[0].format, "gradient of the head's input");
  if (in[0] < rows) g.made[0] = m.gradient_like(n, 0, "gradient of the head's input, scattered");
  else g.made[0] = std::move(made);
}

void written_over(Machine&, Node& n, Gradients& g) { g.made[0] = n.saved[0]; }

/// fp32 probabilities become the gradient where they are, and are narrowed.
void narrowed(Machine& m, Node& n, Gradients& g) {
  g.made[0] = m.allocate(n.input[0].shape, n.input[0].format, "gradient of logits", Component::logits);
}

Value head(Machine& m, const Pass& pass, const Decoder& model, Value x) {
  const Value from = std::move(x);
  const Shape shape = {model.vocabulary, from->shape[-1]};
  const Value weight = pass.share.tied ? m.memory.describe(shape, from->format) : m.parameter("output_layer.weight", shape);
  pass.placeholders.note(model.vocabulary, from->shape[-1]);
  Node* node = m.record(head_backward, {&from, &weight});
  m.save(node, from);
  Value logits = m.allocate({pass.share.rows, model.vocabulary}, from->format, "logits", Component::logits);
  return m.bind(node, logits);
}

/// Numbers of each row that ranks exchange: largest logit, sum, and the label's logit.
/// Source: [transformer-engine] pytorch/triton/cross_entropy.py cross_entropy_forward;
/// [megatron-lm] megatron/core/tensor_parallel/cross_entropy.py VocabParallelCrossEntropy
Value cross_entropy(Machine& m, const Pass& pass, Value logits, const Value& labels) {
  const Value from = std::move(logits);
  const double rows = from->shape[0];
  const bool in_place = pass.share.loss == Share::Loss::engine;
  Node* node = m.record(in_place ? written_over : narrowed, {&from, &labels});
  if (in_place) {
    m.save(node, from);
  } else {
    m.save(node, m.allocate(from->shape, fp32, "probabilities", Component::logits));
    m.save(node, m.allocate({rows}, byte_flag, "labels of other ranks"));
    m.save(node, m.allocate({rows}, int64, "labels of this rank"));
  }
  const Value sums = m.allocate({rows, 3}, fp32, "largest logit, sum and label's logit");
  Value gathered;
  if (pass.share.tensor > 1) gathered = m.allocate({rows, 3 * pass.share.tensor}, fp32, "the same of all ranks");
  Value out = m.allocate({rows}, fp32, "losses");
  return m.bind(node, out);
}

}  // namespace

/// Source: [megatron-lm] megatron/core/tensor_parallel/layers.py VocabParallelEmbedding.forward
Value embedding(Machine& m, const Pass& pass, const Decoder& model, const Value& ids) {
  const Machine::Scope scope(m, "embedding");
  const Value table = m.parameter("weight", {model.vocabulary, pass.share.hidden});
  if (model.learned_positions > 0) m.parameter("position_embeddings.weight", {model.learned_positions, pass.share.hidden}).drop();
  Node* node = m.record(embedding_backward, {&table, &ids});
  m.save(node, ids);
  Value out = m.allocate({pass.share.rows, pass.share.hidden}, table->format, "embedding");
  if (pass.share.sequence_parallel()) {
    Value part = m.allocate({pass.share.kept_rows, pass.share.hidden}, table->format, "embedding, scattered");
    out = std::move(part);
  }
  return m.bind(node, out);
}

Value head_and_loss(Machine& m, const Pass& pass, const Decoder& model, Value x, const Value& labels) {
  if (model.final_norm) x = norm(m, "final_layernorm", *model.final_norm, std::move(x));
  Value logits = head(m, pass, model, std::move(x));
  if (!m.idle()) m.memory.ledger.enter("loss", m.layer());
  return cross_entropy(m, pass, std::move(logits), labels);
}

}  // namespace gpumem::megatron
