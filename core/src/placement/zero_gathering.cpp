#include "placement/zero_gathering.hpp"

namespace gpumem {
namespace {

constexpr int nothing = -1;   // a module without parameters to gather

double numbers_of(const Parameter& p) { return in(elements, p.shape.count()); }

/// What is whole at the moment. What was asked for together arrives in one piece, is copied out of it when the first of it
/// is needed, and the piece stays until all of it was.
/// Source: [deepspeed] partition_parameters.py _all_gather_dtype, AllGatherCoalescedHandle.wait,
/// _all_gather_sequential
class Holder {
 public:
  explicit Holder(std::size_t parameters) : state_(parameters, State::away), group_(parameters, -1) {}

  [[nodiscard]] bool away(int p) const { return state_[index(p)] == State::away; }
  [[nodiscard]] double live() const { return live_; }
  /// As limits count it: what is whole or coming, without pieces.
  [[nodiscard]] double available() const { return available_; }

  void gather(const std::vector<int>& parameters, double numbers) {
    groups_.push_back({parameters, numbers, parameters.size()});
    for (const int p : parameters) state_[index(p)] = State::coming, group_[index(p)] = static_cast<int>(groups_.size()) - 1;
    live_ += numbers;
    available_ += numbers;
  }
  /// Waits for it; the piece that goes with that.
  double receive(int p) {
    if (group_[index(p)] < 0) return 0;
    Group& group = groups_[index(std::exchange(group_[index(p)], -1))];
    const bool first = state_[index(p)] == State::coming;
    for (const int member : group.parameters) state_[index(member)] = first ? State::here : state_[index(member)];
    if (group.parameters.size() == 1) return 0;   // one alone arrives as it is
    if (first) live_ += group.numbers;
    if (--group.awaited > 0) return 0;
    live_ -= group.numbers;
    return group.numbers;
  }
  void let_go(int p, double numbers) {
    if (state_[index(p)] != State::here) return;
    state_[index(p)] = State::away;
    live_ -= numbers;
    available_ -= numbers;
  }

 private:
  enum class State : unsigned char { away, coming, here };
  struct Group {
    std::vector<int> parameters;
    double numbers;
    std::size_t awaited;
  };
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  std::vector<State> state_;
  std::vector<int> group_;
  std::vector<Group> groups_;
  double live_ = 0, available_ = 0;
};

}  // namespace

const Gathered& GatheringTrace::at(const std::vector<Gathered>& list, int layer) {
  static const Gathered nothing;
  const auto i = static_cast<std::size_t>(layer + 1);
  return i < list.size() ? list[i] : nothing;
}

/// Modules without parameters to gather look ahead as well: the model and what is in it, layers, their halves, norms.
/// Assumes that modules run in the order of their parameters, and backward in the opposite one.
void GatheringTrace::trace(const ZeroPlan& plan, const std::vector<Parameter>& every) {
  const int count = static_cast<int>(every.size());
  const Parameter* last_used = nullptr;
  const auto use = [&](int p, bool backward) {
    const Parameter& row = every[static_cast<std::size_t>(p)];
    const bool other_layer = !last_used || last_used->layer != row.layer;
    if (other_layer) uses_.push_back({nothing, row.layer, backward});
    if (other_layer || last_used->scope != row.scope) uses_.push_back({nothing, row.layer, backward});
    uses_.push_back({numbers_of(row) > plan.options.persistence_threshold ? p : nothing, row.layer, backward});
    last_used = &row;
  };
  for (int p = 0; p < count; ++p) use(p, false);
  for (int last = count; last > 0;) {
    const Parameter& row = every[static_cast<std::size_t>(last - 1)];
    int first = last - 1;
    while (first > 0 && every[static_cast<std::size_t>(first - 1)].layer == row.layer) --first;
    if (plan.checkpointing && row.hidden)
      for (int p = first; p < last; ++p) use(p, true);
    for (int p = last; p-- > first;) use(p, true);
    last = first;
  }
}

GatheringTrace::GatheringTrace(const ZeroPlan& plan, const std::vector<Parameter>& every) {
  std::size_t layers = 0;
  for (const Parameter& p : every) layers = std::max(layers, static_cast<std::size_t>(p.layer + 2));
  forward_.resize(layers);
  backward_.resize(layers);
  trace(plan, every);
  run(plan.options, every);
}

void GatheringTrace::run(const ZeroOptions& o, const std::vector<Parameter>& every) {
  const std::size_t steps = uses_.size();
  const auto size = [&](std::size_t step) {
    const int p = uses_[step].parameter;
    return p == nothing ? 0 : numbers_of(every[static_cast<std::size_t>(p)]);
  };
  std::vector<double> before(steps + 1);      // numbers used before each step
  std::vector<std::size_t> again(steps, steps), seen(every.size(), steps);
  for (std::size_t s = 0; s < steps; ++s) before[s + 1] = before[s] + size(s);
  for (std::size_t s = steps; s-- > 0;) {
    if (uses_[s].parameter == nothing) continue;
    std::size_t& next = seen[static_cast<std::size_t>(uses_[s].parameter)];
    again[s] = next;
    next = s;
  }
  Holder holder(every.size());
  std::size_t queue = 0;
  std::vector<bool> chosen(every.size());
  const auto look_ahead = [&](std::size_t s) {
    queue = std::max(queue, s + 1);
    const double most = std::min(o.max_live_parameters - holder.available(), o.prefetch_bucket_size);
    std::vector<int> ahead;
    double numbers = 0;
    for (; queue < steps && numbers < most; ++queue) {
      const int next = uses_[queue].parameter;
      if (next == nothing || !holder.away(next) || chosen[static_cast<std::size_t>(next)]) continue;
      chosen[static_cast<std::size_t>(next)] = true;
      ahead.push_back(next);
      numbers += size(queue);
    }
    for (const int next : ahead) chosen[static_cast<std::size_t>(next)] = false;
    if (!ahead.empty()) holder.gather(ahead, numbers);
  };
  for (std::size_t s = 0; s < steps; ++s) {
    const int p = uses_[s].parameter;
    Gathered& layer = (uses_[s].backward ? backward_ : forward_)[static_cast<std::size_t>(uses_[s].layer + 1)];
    if (p != nothing) {
      if (holder.away(p)) holder.gather({p}, size(s));
      const double piece = holder.receive(p);
      layer.moment = std::max(layer.moment, holder.live() + piece);
    }
    look_ahead(s);
    layer.kept = std::max(layer.kept, holder.live());
    layer.after = holder.live();
    const std::size_t next = again[s];
    const bool soon = next < steps && (next < queue || before[next] - before[s + 1] < o.max_reuse_distance);
    if (p != nothing && !soon) holder.let_go(p, size(s));
  }
}

}  // namespace gpumem
