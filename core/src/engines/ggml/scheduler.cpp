#include "engines/ggml/scheduler.hpp"

#include <algorithm>

namespace gpumem::ggml {
namespace {

/// Rows from which on a product's matrix is carried to a GPU. Source: [ggml] src/ggml-cuda/ggml-cuda.cu: GGML_OP_OFFLOAD_MIN_BATCH
constexpr double least_batch = 32;

class Scheduler {
 public:
  Scheduler(Graph& graph, const Backends& backends) : graph_(graph), backends_(backends) {}
  Plan run();

 private:
  Graph& graph_;
  const Backends backends_;
  std::vector<signed char> backend_;      ///< by tensor
  std::vector<int> copy_;                 ///< by tensor and backend: its first copy there
  struct Split { int backend; std::size_t first; std::vector<int> inputs; };
  std::vector<Split> splits_;
  std::vector<int> read_inputs_;          ///< inputs of the graph, in the order in which they are read

  [[nodiscard]] signed char& of(int t) { return backend_[static_cast<std::size_t>(t)]; }
  [[nodiscard]] bool supports(int backend, const Tensor& node) const;
  [[nodiscard]] int home(const Tensor& node) const;
  void assign();
  void spread(bool down, bool gpus_only);
  void find_splits();
  int& copy(int t, int backend) { return copy_[static_cast<std::size_t>(t * backends_.count() + backend)]; }
  int duplicate(int t, bool kept);
};

/// A GPU runs nothing that reads another GPU's buffer.
bool Scheduler::supports(int backend, const Tensor& node) const {
  if (backend == backends_.processor()) return true;
  for (int i = 0; i < node.sources; ++i) {
    const Tensor& s = graph_.at(node.source[static_cast<std::size_t>(i)]);
    if (s.external && s.home != backend && s.home != backends_.processor()) return false;
  }
  return true;
}

/// Where a node has to run or would best run, before its neighbours are asked.
int Scheduler::home(const Tensor& node) const {
  if (node.home != nothing) return node.home;
  if (node.view_of != nothing && graph_.at(node.view_of).external) return graph_.at(node.view_of).home;
  if (node.input) return backends_.processor();
  if (node.op == Op::rotary || node.op == Op::attention) return nothing;
  for (int i = 0; i < node.sources; ++i) {
    const Tensor& s = graph_.at(node.source[static_cast<std::size_t>(i)]);
    if (!s.weight) continue;
    const bool large = node.op == Op::product ? (node.sources == 3 ? node.extent[2] : node.extent[1]) >= least_batch
                                              : node.op != Op::rows && node.extent[1] * node.extent[2] * node.extent[3] >= least_batch;
    return s.home == backends_.processor() && backends_.carries && large && backends_.gpus > 0 ? 0 : s.home;
  }
  return nothing;
}

/// Gives nodes without a backend that of the node before (or behind) them.
void Scheduler::spread(bool down, bool gpus_only) {
  int current = nothing;
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    const int t = graph_.nodes[down ? n : graph_.nodes.size() - 1 - n];
    const Tensor& node = graph_.at(t);
    if (node.op == Op::view) continue;
    if (of(t) != nothing)
      current = gpus_only && of(t) == backends_.processor() ? nothing : of(t);
    else if (current != nothing && supports(current, node))
      of(t) = static_cast<signed char>(current);
  }
}

void Scheduler::assign() {
  backend_.assign(graph_.tensors.size(), nothing);
  for (const int t : graph_.leafs) of(t) = static_cast<signed char>(home(graph_.at(t)));
  for (const int t : graph_.nodes) of(t) = static_cast<signed char>(home(graph_.at(t)));
  for (const bool gpus_only : {true, false})
    for (const bool down : {true, false}) spread(down, gpus_only);
  for (const int t : graph_.nodes) {
    const Tensor& node = graph_.at(t);
    if (of(t) == nothing) of(t) = node.view_of != nothing ? of(node.view_of) : static_cast<signed char>(0);
    for (int i = 0; i < node.sources; ++i) {
      const int s = node.source[static_cast<std::size_t>(i)];
      if (of(s) == nothing) of(s) = graph_.at(s).view_of != nothing ? of(graph_.at(s).view_of) : of(t);
    }
  }
}

int Scheduler::duplicate(int t, bool kept) {
  Tensor d = graph_.at(t);
  d.op = Op::none;
  d.sources = 0;
  d.view_of = nothing;
  d.offset = d.behind = 0;
  d.weight = d.external = false;
  d.input = d.output = kept;
  graph_.tensors.push_back(d);
  return static_cast<int>(graph_.tensors.size()) - 1;
}

void Scheduler::find_splits() {
  copy_.assign(graph_.tensors.size() * static_cast<std::size_t>(backends_.count()), nothing);
  const std::size_t known = graph_.tensors.size();
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    const int t = graph_.nodes[n];
    if (graph_.at(t).op == Op::view) continue;
    const int here = of(t);
    bool anew = splits_.empty() || splits_.back().backend != here;
    // a matrix that is carried over starts a split, so that the one before it can be forgotten
    for (int i = 0; i < graph_.at(t).sources && !anew && !splits_.back().inputs.empty(); ++i) {
      const Tensor& s = graph_.at(graph_.at(t).source[static_cast<std::size_t>(i)]);
      anew = s.weight && s.home != here;
    }
    if (anew) splits_.push_back({here, splits_.empty() ? 0 : n, {}});
    for (int i = 0; i < graph_.at(t).sources; ++i) {
      const int s = graph_.at(t).source[static_cast<std::size_t>(i)];
      if (static_cast<std::size_t>(s) >= known) continue;
      if (graph_.at(s).input && backends_.copies > 1 && copy(s, of(s)) == nothing) {
        graph_.at(s).output = true;
        copy(s, of(s)) = s;
        read_inputs_.push_back(s);
      }
      if (of(s) == here) continue;
      if (copy(s, here) == nothing) {
        copy(s, here) = duplicate(s, backends_.copies > 1);
        for (int c = 1; c < backends_.copies; ++c) duplicate(s, true);
        splits_.back().inputs.push_back(s);
      }
      graph_.at(t).source[static_cast<std::size_t>(i)] = copy(s, here);
    }
  }
}

Plan Scheduler::run() {
  assign();
  find_splits();
  Plan plan;
  std::size_t kept = 0;
  const auto hold = [&](const std::vector<int>& tensors, int backend) {   // a node that only reads
    for (std::size_t i = 0; i < tensors.size(); i += most_sources) {
      const int d = duplicate(tensors[i], false);
      const int seen = graph_.at(tensors[i]).view_of;
      Tensor& reader = graph_.at(d);
      reader.view_of = seen == nothing ? tensors[i] : seen;
      for (std::size_t k = i; k < std::min(tensors.size(), i + most_sources); ++k)
        reader.source[static_cast<std::size_t>(reader.sources++)] = tensors[k];
      plan.nodes.push_back({d, backend});
    }
  };
  for (std::size_t i = 0; i < splits_.size(); ++i) {
    const Split& part = splits_[i];
    for (const int s : part.inputs) {
      hold({s}, of(s));
      plan.nodes.push_back({copy(s, part.backend), part.backend});
    }
    const std::size_t end = i + 1 < splits_.size() ? splits_[i + 1].first : graph_.nodes.size();
    for (std::size_t n = part.first; n < end; ++n) {
      plan.nodes.push_back({graph_.nodes[n], of(graph_.nodes[n])});
      for (; kept < graph_.kept.size() && graph_.kept[kept].position <= n; ++kept)
        if (part.backend != backends_.processor() && graph_.kept[kept].position == n) hold(graph_.kept[kept].tensors, part.backend);
    }
  }
  if (backends_.copies > 1) {
    const auto add = [&](int first, int original, int backend) {   // the copies lie behind one another, the graph's own input apart
      plan.leafs.push_back({first, backend});
      for (int c = 1; c < backends_.copies; ++c) plan.leafs.push_back({(first == original ? duplicate(original, true) : first + c), backend});
    };
    for (const int s : read_inputs_) add(s, s, of(s));
    for (const Split& part : splits_)
      for (const int s : part.inputs) add(copy(s, part.backend), s, part.backend);
  }
  for (const int t : graph_.leafs) plan.leafs.push_back({t, of(t)});
  return plan;
}

}  // namespace

Plan split(Graph& graph, const Backends& backends) { return Scheduler(graph, backends).run(); }

}  // namespace gpumem::ggml
