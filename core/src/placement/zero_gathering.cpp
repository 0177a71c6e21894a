#include "placement/zero_gathering.hpp"

namespace gpumem {
namespace {

double numbers_of(const Parameter& p) { return in(elements, p.shape.count()); }

/// What is whole at the moment, and what was asked for together and has not been taken apart.
class Holder {
 public:
  explicit Holder(std::size_t parameters) : state_(parameters, State::away), group_(parameters, -1) {}

  [[nodiscard]] bool away(int p) const { return state_[index(p)] == State::away; }
  [[nodiscard]] double live() const { return live_; }

  void gather(const std::vector<int>& parameters, double numbers) {
    groups_.push_back({parameters, numbers});
    for (const int p : parameters) state_[index(p)] = State::coming, group_[index(p)] = static_cast<int>(groups_.size()) - 1;
    live_ += numbers;
  }
  /// Waits for it; what that takes beside what is live.
  double receive(int p) {
    if (state_[index(p)] != State::coming) return 0;
    const Group& group = groups_[index(group_[index(p)])];
    for (const int member : group.parameters) state_[index(member)] = State::here;
    return group.parameters.size() > 1 ? group.numbers : 0;   // one alone arrives as it is
  }
  void let_go(int p, double numbers) {
    if (state_[index(p)] != State::here) return;
    state_[index(p)] = State::away;
    live_ -= numbers;
  }

 private:
  enum class State : unsigned char { away, coming, here };
  struct Group {
    std::vector<int> parameters;
    double numbers;
  };
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  std::vector<State> state_;
  std::vector<int> group_;
  std::vector<Group> groups_;
  double live_ = 0;
};

}  // namespace

const Gathered& GatheringTrace::at(const std::vector<Gathered>& list, int layer) {
  static const Gathered nothing;
  const auto i = static_cast<std::size_t>(layer + 1);
  return i < list.size() ? list[i] : nothing;
}

/// Assumes that modules run in the order of their parameters, and backward in the opposite one.
void GatheringTrace::trace(const ZeroPlan& plan, const std::vector<Parameter>& every) {
  const int count = static_cast<int>(every.size());
  const auto use = [&](int p, bool backward) {
    const Parameter& row = every[static_cast<std::size_t>(p)];
    if (numbers_of(row) > plan.options.persistence_threshold) uses_.push_back({p, row.layer, backward});
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
  const auto size = [&](std::size_t step) { return numbers_of(every[static_cast<std::size_t>(uses_[step].parameter)]); };
  std::vector<double> before(steps + 1);      // numbers used before each step
  std::vector<std::size_t> again(steps, steps), seen(every.size(), steps);
  for (std::size_t s = 0; s < steps; ++s) before[s + 1] = before[s] + size(s);
  for (std::size_t s = steps; s-- > 0;) {
    std::size_t& next = seen[static_cast<std::size_t>(uses_[s].parameter)];
    again[s] = next;
    next = s;
  }
  Holder holder(every.size());
  std::size_t queue = 0;
  for (std::size_t s = 0; s < steps; ++s) {
    const int p = uses_[s].parameter;
    if (holder.away(p)) holder.gather({p}, size(s));
    const double apart = holder.receive(p);
    Gathered& layer = (uses_[s].backward ? backward_ : forward_)[static_cast<std::size_t>(uses_[s].layer + 1)];
    layer.moment = std::max(layer.moment, holder.live() + apart);
    queue = std::max(queue, s + 1);
    const double most = std::min(o.max_live_parameters - holder.live(), o.prefetch_bucket_size);
    std::vector<int> ahead;
    double numbers = 0;
    for (; queue < steps && numbers < most; ++queue) {
      const int next = uses_[queue].parameter;
      if (!holder.away(next) || std::find(ahead.begin(), ahead.end(), next) != ahead.end()) continue;
      ahead.push_back(next);
      numbers += size(queue);
    }
    if (!ahead.empty()) holder.gather(ahead, numbers);
    layer.kept = std::max(layer.kept, holder.live());
    const std::size_t next = again[s];
    const bool soon = next < steps && (next < queue || before[next] - before[s + 1] < o.max_reuse_distance);
    if (!soon) holder.let_go(p, size(s));
  }
}

}  // namespace gpumem
