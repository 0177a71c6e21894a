#include "machine/machine.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "machine/parts.hpp"

namespace gpumem {

Machine::Machine() = default;

void Machine::enter_scope(const char* name) {
  scopes_.push_back({scope_, name});
  scope_ = static_cast<int>(scopes_.size()) - 1;
}

void Machine::begin_layer(int layer) {
  run_in(layer);
  parameters.begin(layer);
}

void Machine::run_in(int layer) {
  layer_ = layer;
  memory.running_layer = layer;
}

Value Machine::allocate(const Shape& shape, const Format* format, const char* label) {
  return allocate(shape, format, label, made);
}

Value Machine::allocate(const Shape& shape, const Format* format, const char* label, Component component) {
  if (idle()) return memory.describe(shape, format);
  return memory.allocate(shape, format, component, label, layer_, scope_);
}

Value Machine::parameter(const char* name, const Shape& shape, const Format* format, bool is_trainable, double counted) {
  Parameter wanted;
  wanted.name = name;
  wanted.shape = shape;
  wanted.format = format;
  wanted.layer = layer_;
  wanted.scope = scope_;
  wanted.trainable = is_trainable;
  wanted.hidden = inside_layers;
  wanted.counted = counted;
  const int row = parameters.next(layer_, wanted);
  const bool fetched = whole_engine && fetched_for_use && !idle();
  Value p = fetched ? memory.allocate(shape, format, Component::weights, name, layer_, scope_) : memory.describe(shape, parameters[row].format);
  p->parameter = row;
  p->needs_gradient = recording && parameters[row].trainable;
  return p;
}

Value Machine::require_gradient(Value x) {
  if (!recording || idle() || x->needs_gradient) return x;
  tape.emplace_back();
  tape.back().backward = [](Machine&, Node&, Gradients&) {};
  tape.back().layer = layer_;
  tape.back().scope = scope_;
  const Away before = std::exchange(away, Away::nothing);
  save(&tape.back(), x);   // who gathers a leaf's gradient holds the leaf
  away = before;
  Value leaf = view(x, x->shape);
  return bind(&tape.back(), leaf);
}

Value Machine::detach(const Value& x) {
  Value cut = memory.view(x, x->shape);
  cut->needs_gradient = false;
  cut->node = -1;
  return cut;
}

Node* Machine::record(Backward rule, std::initializer_list<const Value*> inputs) {
  if (!recording || idle()) return nullptr;
  bool wanted = false;
  for (const Value* x : inputs) wanted = wanted || (*x && (*x)->needs_gradient);
  if (!wanted) return nullptr;
  if (replaying_frame_ >= 0) {
    Frame& frame = frames[static_cast<std::size_t>(replaying_frame_)];
    return &tape[static_cast<std::size_t>(frame.first_node + frame.cursor++)];
  }
  tape.emplace_back();
  Node& node = tape.back();
  node.backward = rule;
  node.layer = layer_;
  node.made = made;
  node.scope = scope_;
  node.frame = recording_frame_;
  std::size_t i = 0;
  for (const Value* x : inputs) {
    if (*x) {
      const Tensor& t = *x->get();
      node.input[i] = {t.shape, t.format, t.layout};
      if (t.needs_gradient) node.edge[i] = {t.node, t.output, t.node < 0 ? t.parameter : -1};
      if (t.needs_gradient && t.node < 0 && t.parameter >= 0) ++parameters[t.parameter].uses;
    }
    ++i;
  }
  return &node;
}

void Machine::save(Node* node, const Value& x) {
  if (!node || stopped_) return;
  if (replaying_frame_ >= 0) {
    Frame& frame = frames[static_cast<std::size_t>(replaying_frame_)];
    node->saved[static_cast<std::size_t>(node->refilled++)] = detach(x);
    if (++frame.refilled == frame.saves && !frame.selective && !frame.reentrant) stopped_ = true;
    return;
  }
  assert(node->saved_count < most_saved);
  const auto at = static_cast<std::size_t>(node->saved_count++);
  if (recording_frame_ >= 0)
    ++frames[static_cast<std::size_t>(recording_frame_)].saves;
  else if (whole_engine && away == Away::saved)
    node->saved[at] = send_away(x), node->away |= 1U << at;
  else
    node->saved[at] = detach(x);
}

/// Saved tensors are copied one by one, whoever else saves the same, weights included; views as what they show.
/// Source: [pytorch-save-on-cpu] torch/autograd/graph.py save_on_cpu; torch/csrc/autograd/saved_variable.cpp
Value Machine::send_away(const Value& x) {
  host[layer_] += stored_bytes(x->shape, *x->format);
  Value shown = memory.describe(x->shape, x->format);
  shown->layout = x->layout;
  return shown;
}

Value& Machine::bind(Node* node, Value& out, int output) {
  if (!node) return out;
  out->needs_gradient = true;
  out->parameter = -1;
  out->node = static_cast<int>(node - tape.data());
  out->output = output;
  node->output[static_cast<std::size_t>(output)] = {out->shape, out->format, out->layout};
  return out;
}

Value Machine::gradient_like(const Node& node, int input, const char* label, Layout layout) {
  const auto i = static_cast<std::size_t>(input);
  Value g = allocate(node.input[i].shape, node.input[i].format, label, gradient_component(node, i));
  g->layout = layout;
  return g;
}

/// A parameter's gradient stays as such; one that will only be added to another is work in progress.
Component Machine::gradient_component(const Node& node, std::size_t input) {
  const int row = node.edge[input].parameter;
  if (row < 0) return node.made;
  const Parameter& p = parameters[row];
  return accumulated || p.gradient || p.arriving ? Component::workspace : Component::gradients;
}

Value Machine::gradient_like(const Node& node, int input, const char* label) {
  return gradient_like(node, input, label, node.input[static_cast<std::size_t>(input)].layout);
}

Value Machine::checkpoint(const Value& x, std::function<Value(Machine&, Value)> program) {
  if (!recording || idle() || recording_frame_ >= 0 || replaying()) return program(*this, x);
  const int index = static_cast<int>(frames.size());
  frames.emplace_back();
  frames.back().first_node = static_cast<int>(tape.size());
  frames.back().layer = layer_;
  frames.back().autocast = autocast;
  frames.back().scope = scope_;
  frames.back().parameter = parameters.position(layer_);
  frames.back().selective = whole_engine && selective;
  frames.back().reentrant = whole_engine && reentrant;
  recording_frame_ = index;
  Value out = program(*this, x);
  recording_frame_ = -1;
  Frame& frame = frames.back();
  const bool fetched = whole_engine && away != Away::nothing;
  frame.again = [this, fetched, wanted = x->needs_gradient, x = fetched ? send_away(x) : x, program = std::move(program)] {
    Value input = x;
    if (fetched) {
      input = allocate(x->shape, x->format, "input, brought back");
      input->needs_gradient = wanted;
    }
    return program(*this, input);
  };
  return out;
}

/// Results are kept beside the tape, and given to whoever asks for them in the second run. torchtitan runs a stretch to
/// its end, others stop at the last tensor to be saved.
/// Source: [pytorch-checkpoint] _CachingTorchDispatchMode; [torchtitan] distributed/activation_checkpoint.py SelectiveAC
Value Machine::costly(const Shape& shape, const Format* format, const char* label, bool alternating) {
  const int index = std::max(recording_frame_, replaying_frame_);
  if (!whole_engine || index < 0 || idle() || !frames[static_cast<std::size_t>(index)].selective) return allocate(shape, format, label);
  Frame& frame = frames[static_cast<std::size_t>(index)];
  if (alternating && ++frame.products % 2 == 0) return allocate(shape, format, label);
  if (replaying()) return detach(std::exchange(frame.kept[frame.next_kept++], {}));
  Value result = allocate(shape, format, label);
  frame.kept.push_back(detach(result));
  return result;
}

void Machine::replay(Frame& frame) {
  const int index = static_cast<int>(&frame - frames.data());
  const int outer_layer = layer_;
  const int outer_scope = std::exchange(scope_, frame.scope);
  begin_layer(frame.layer);
  parameters.position(frame.layer) = frame.parameter;
  replaying_frame_ = index;
  recording = true;
  autocast = frame.autocast;
  frame.cursor = frame.products = 0;
  Value result = frame.again();
  if (frame.reentrant) frame.result = std::move(result);
  frame.done = true;
  replaying_frame_ = -1;
  stopped_ = false;
  recording = false;
  autocast = nullptr;
  leave_autocast();
  run_in(outer_layer);
  scope_ = outer_scope;
}

}  // namespace gpumem
