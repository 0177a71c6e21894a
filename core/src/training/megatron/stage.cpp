#include "training/megatron/stage.hpp"

#include <algorithm>
#include <cmath>

#include "layers/megatron/block.hpp"
#include "layers/megatron/recompute.hpp"

namespace gpumem::megatron {
namespace {

constexpr int grouped_streams = 4;   // each with a workspace of its own. Source: [transformer-engine] pytorch/module/base.py

bool is_expert(const Parameter& p) { return p.shape.rank == 3; }

class StageRun {
 public:
  StageRun(Machine& m, const Stage& stage) : m_(m), stage_(stage), pass_{stage.share, placeholders_} {
    m.weight_format = stage.states.weights;
  }

  void declare() {
    m_.declaring = true;
    const Value ids = m_.memory.describe({stage_.share.rows}, int64);
    for (const Chunk& c : stage_.chunks) forward(c, ids, "").drop();
    m_.declaring = false;
  }

  /// What is there when a step begins. Source: [megatron-lm] megatron/core/distributed/param_and_grad_buffer.py,
  /// megatron/core/optimizer/distrib_optimizer.py
  void add_resident() {
    for (const Parameter& p : m_.parameters.rows) add(Component::weights, p.name, p.shape, p.format, p.layer, p.scope);
    const Counts n = parameter_counts(m_);
    const States& s = stage_.states;
    const auto kept = [&](double count, double shards) {
      if (count == 0) return;
      const double part = std::ceil(count / shards);
      add(Component::gradients, "main gradients", {count}, s.gradients);
      if (s.main_bytes > 0) add(Component::optimizer_states, "main weights", {part}, s.main_bytes == 2 ? bf16 : fp32);
      if (s.moment_count > 0) add(Component::optimizer_states, "moments", {s.moment_count, part}, s.moments);
    };
    kept(n.dense, s.shards);
    kept(n.experts, s.expert_shards);
    m_.memory.log.begin_step();
    for (const Shape& shape : placeholders_.shapes) add(Component::workspace, "placeholder of a weight's gradient", shape, s.weights);
    const double streams = n.experts > 0 ? 1 + grouped_streams : 1;
    const bool heads = stage_.chunks.back().heads;   // the head's product is PyTorch's own, with a workspace of its own
    add(Component::workspace, "workspaces of products", {in(bytes, stage_.workspace) * (streams + (heads ? 1 : 0))}, uint8);
    if (heads && stage_.share.sequence_parallel()) add(Component::workspace, "buffer for gathered rows", {stage_.share.rows, stage_.share.hidden}, s.weights);
  }

  /// Micro-batches whose forward pass is done. One of each chunk is run, and stands for the others.
  void wait(const Chunk& c, const Value& ids) {
    if (c.waiting <= 0) return;
    Value out = forward(c, ids, "forward");
    out.drop();
    for (const Node& node : m_.tape)
      for (const Value& v : node.saved)
        if (v) m_.memory.stand_for(v, c.waiting - 1);
    waiting_.push_back(std::move(m_.tape));
    m_.tape.clear();
  }

  Value forward(const Chunk& c, const Value& ids, std::string_view phase) {
    const int end = static_cast<int>(stage_.model->layers.size());
    const auto enter = [&](int layer) {
      if (!m_.idle()) m_.memory.ledger.enter(phase, layer);
      m_.begin_layer(layer);
    };
    m_.recording = true;
    enter(c.embeds ? -1 : c.first);
    Value x = c.embeds ? embedding(m_, pass_, *stage_.model, ids) : received();
    const Recompute& again = stage_.share.recompute;
    for (int i = 0; i < c.count;) {
      const double group = again.first_layers >= 0 ? (i < again.first_layers ? 1 : 0) : again.whole_layers;
      const int last = group > 0 ? std::min(c.count, i + static_cast<int>(group)) : i + 1;
      Stretch stretch(m_, group > 0);
      for (; i < last; ++i) {
        enter(c.first + i);
        x = layer(m_, pass_, stage_.model->layers[static_cast<std::size_t>(c.first + i)], std::move(x));
      }
      stretch.end();
      x = stretch.let_go(std::move(x));
    }
    if (!c.heads) return x;
    enter(end);
    return head_and_loss(m_, pass_, *stage_.model, std::move(x), ids);
  }

  /// The stage's output is let go once it is sent; its gradient comes from the next one.
  /// Source: [megatron-lm] megatron/core/pipeline_parallel/schedules.py deallocate_output_tensor
  void backward(Value out, const Chunk& c) {
    Value end = m_.memory.describe(out->shape, out->format);
    end->node = out->node;
    end->output = out->output;
    out.drop();
    const int last = c.heads ? static_cast<int>(stage_.model->layers.size()) : c.first + c.count - 1;
    m_.memory.ledger.enter("backward", last);
    m_.on_backward_layer = [this](int, int to) { m_.memory.ledger.enter("backward", to); };
    m_.backward(std::move(end));
    m_.on_backward_layer = nullptr;
  }

  void step() {
    m_.memory.divide(-1, static_cast<int>(stage_.model->layers.size()));
    waiting_.clear();
    m_.memory.ledger.enter("optimizer-step", static_cast<int>(stage_.model->layers.size()));
    m_.memory.log.first_states();
    const Counts n = parameter_counts(m_);
    const States& s = stage_.states;
    const double dense = std::ceil(n.dense / s.shards), experts = std::ceil(n.experts / s.expert_shards);
    Value gradients, moments;
    if (s.gradients_widened) gradients = m_.allocate({dense + experts}, fp32, "gradients, widened", Component::workspace);
    if (s.moments_widened) moments = m_.allocate({s.moment_count, std::max(dense, experts)}, fp32, "moments, widened", Component::workspace);
  }

  /// Angles of every position, once for all layers. Source: [megatron-lm] models/common/embeddings/rotary_pos_embedding.py
  Value angles() {
    double width = 0;
    for (const DecoderLayer& l : stage_.model->layers)
      if (l.attention.rotary != AttentionLayer::Rotary::none) width = std::max(width, l.attention.rotary_dim);
    return width > 0 ? m_.allocate({stage_.rotary_tokens, width}, fp32, "rotary angles") : Value();
  }

  Value passed_on(const char* label) { return m_.allocate({stage_.share.kept_rows, stage_.share.hidden}, stage_.states.weights, label); }

 private:
  void add(Component component, const char* name, const Shape& shape, const Format* format, int layer = -1, int scope = 0) {
    m_.memory.add_bulk({component, layer, scope, name, shape, format, 1});
  }
  Value received() {
    return m_.require_gradient(passed_on("received activations"));
  }

  Machine& m_;
  const Stage& stage_;
  Placeholders placeholders_;
  Pass pass_;
  std::vector<std::vector<Node>> waiting_;
};

}  // namespace

Counts parameter_counts(const Machine& m) {
  Counts n;
  for (const Parameter& p : m.parameters.rows)
    if (p.trainable) (is_expert(p) ? n.experts : n.dense) += p.count();
  return n;
}

void run_stage(Machine& m, const Stage& stage) {
  StageRun run(m, stage);
  run.declare();
  run.add_resident();
  m.begin_layer(-1);
  const Value angles = run.angles();
  const Value ids = m.allocate({stage.share.rows}, int64, "token ids");
  for (const Chunk& c : stage.chunks) run.wait(c, ids);
  const Chunk& last = stage.chunks[stage.running];
  // Gradients that the micro-batch before received and sent lie in variables of the schedule until the next ones come.
  Value received, sent;
  if (stage.steady && !last.heads) received = run.passed_on("gradient received before");
  if (stage.steady && !last.embeds) sent = run.passed_on("gradient sent before");
  Value out = run.forward(last, ids, "forward");
  received.drop();
  run.backward(std::move(out), last);
  sent.drop();
  run.step();
}

}  // namespace gpumem::megatron
