// Autograd's engine: nodes run in the reverse order of their creation, gradients of one tensor are summed as they
// arrive, and what a node saved goes when it has run.
// Source: [pytorch-autograd-engine] torch/csrc/autograd/engine.cpp evaluate_function, input_buffer.cpp accumulate

#include "machine/machine.hpp"
#include "machine/parts.hpp"

namespace gpumem {

void Machine::backward(Value loss) {
  if (!loss || loss->node < 0) return;
  recording = false;
  // The gradient of a scalar loss is a one, as large as the smallest allocation.
  tape[static_cast<std::size_t>(loss->node)].gradient[static_cast<std::size_t>(loss->output)] =
      allocate(loss->shape, loss->format, "gradient of the loss", Component::activations);
  loss.drop();
  int running = tape.empty() ? 0 : tape.back().layer;
  for (auto i = tape.size(); i-- > 0;) {
    Node& node = tape[i];
    if (node.layer != running) {
      if (on_backward_layer) on_backward_layer(running, node.layer);
      running = node.layer;
    }
    run_in(node.layer);
    scope_ = node.scope;
    run_node(node);
  }
  tape.clear();
  frames.clear();
}

void Machine::run_node(Node& node) {
  bool reached = false;
  for (const Value& g : node.gradient) reached = reached || g;
  if (reached) {
    bool unpacked_once = false;
    if (node.frame >= 0) {
      Frame& frame = frames[static_cast<std::size_t>(node.frame)];
      unpacked_once = !frame.reentrant;
      if (!frame.done && (frame.reentrant || node.saved_count > 0)) {
        if (frame.reentrant) frame.result_gradient = node.gradient[0];
        replay(frame);
      }
    }
    for (std::size_t i = 0; whole_engine && node.away >> i != 0; ++i)
      if (Value& s = node.saved[i]; node.away >> i & 1U) {
        const Layout layout = s->layout;
        s = allocate(s->shape, s->format, "brought back", Component::activations);
        s->layout = layout;
      }
    Gradients passing;
    for (std::size_t o = 0; o < most_outputs; ++o) {
      passing.given[o] = std::move(node.gradient[o]);
      // Views are free: a gradient that arrived in another shape is looked at in the output's.
      if (Value& g = passing.given[o]; g && !(g->shape == node.output[o].shape)) g = view(g, node.output[o].shape);
    }
    node.backward(*this, node, passing);
    // What was recomputed goes as soon as the rule has run; what was saved is held until the node is done with.
    if (unpacked_once || node.away != 0)
      for (Value& s : node.saved) s.drop();
    // validate_outputs: one after the other, gradients are summed over extents that were stretched and take the format
    // of the tensor they belong to.
    for (std::size_t i = 0; i < most_inputs; ++i) {
      Value& g = passing.made[i];
      if (g && g->shape.count() != node.input[i].shape.count()) {
        Value sum = allocate(node.input[i].shape, g->format, "gradient, summed", gradient_component(node, i));
        g = std::move(sum);
      }
      if (g && g->format != node.input[i].format) {
        Value narrowed = gradient_like(node, static_cast<int>(i), "gradient cast", g->layout);
        g = std::move(narrowed);
      }
    }
    for (Value& s : node.saved) s.drop();
    for (Value& g : passing.given) g.drop();
    for (std::size_t i = 0; i < most_inputs; ++i)
      if (passing.made[i]) deliver(node.edge[i], std::move(passing.made[i]));
  }
  for (Value& s : node.saved) s.drop();
  // A checkpointed layer's input is held until its last node has run.
  if (node.frame >= 0) {
    Frame& frame = frames[static_cast<std::size_t>(node.frame)];
    if (&node == &tape[static_cast<std::size_t>(frame.first_node)]) {
      frame.again = nullptr;
      frame.result.drop();
      frame.result_gradient.drop();
    }
  }
}

void Machine::deliver(const Edge& edge, Value gradient) {
  if (edge.node >= 0) {
    Node& to = tape[static_cast<std::size_t>(edge.node)];
    Value& slot = to.gradient[static_cast<std::size_t>(edge.output)];
    slot = accumulate(std::move(slot), std::move(gradient));
  } else if (edge.parameter >= 0) {
    finish_gradient(parameters[edge.parameter], std::move(gradient));
  }
}

/// Adds in place if nobody else looks at the first gradient; otherwise the sum is a new tensor.
Value Machine::accumulate(Value old, Value arrived) {
  if (!old) return arrived;
  if (memory.holds_alone(old)) return old;
  Value sum = memory.describe(old->shape, old->format);
  if (!idle()) {
    const Layout layout = old->layout;
    // Measured after the operands had their chance to go.
    old.drop();
    arrived.drop();
    sum = allocate(sum->shape, sum->format, "gradient sum", Component::activations);
    sum->layout = layout;
  }
  return sum;
}

void Machine::finish_gradient(Parameter& parameter, Value gradient) {
  // What passed through unchanged was made as an activation's gradient, and becomes the parameter's own here.
  if (!accumulated && !parameter.arriving && !parameter.gradient) memory.relabel(gradient, Component::gradients);
  parameter.arriving = accumulate(std::move(parameter.arriving), std::move(gradient));
  if (--parameter.uses > 0) return;
  if (parameter.gradient || accumulated)
    parameter.arriving.drop();   // added in place to what earlier micro-batches left
  else
    parameter.gradient = std::move(parameter.arriving);
  if (on_gradient && on_gradient(parameter)) parameter.gradient.drop();
}

}  // namespace gpumem
