#include <algorithm>

#include "answers/changes.hpp"
#include "answers/layouts.hpp"
#include "answers/questions.hpp"

namespace gpumem {
namespace {

/// A change that was tried, or several at once.
struct Tried {
  std::vector<const Change*> parts;
  Document patch = Document::record();
  Reading reading;
  double saves = 0;
  bool enough = false;
  [[nodiscard]] int regret() const {
    int sum = 0;
    for (const Change* part : parts) sum += part->regret;
    return sum;
  }
  [[nodiscard]] bool has(std::string_view kind) const {
    return std::any_of(parts.begin(), parts.end(), [&](const Change* part) { return part->kind == kind; });
  }
};

class Search {
 public:
  Search(const Asker& asker, bool limited) : asker_(asker), limited_(limited), now_(asker.ask(Document::record())) {}

  /// The upper end of what it may need is above the limit.
  [[nodiscard]] bool tight() const { return !limited_ || !now_.fits || now_.high > now_.usable; }

  [[nodiscard]] Tried attempt(const Tried& before, const Change& change) const {
    Tried t;
    t.parts = before.parts;
    t.parts.push_back(&change);
    t.patch = before.patch;
    merge(t.patch, change.patch);
    t.reading = asker_.ask(t.patch);
    t.saves = t.reading.answered ? now_.needed - t.reading.needed : 0;
    t.enough = limited_ && t.reading.fits && (!now_.fits || t.reading.high <= t.reading.usable);
    return t;
  }
  /// Whether two that save so much each can be enough: peaks at different moments may save more together, but not by far.
  [[nodiscard]] bool promising(double saves) const {
    const double lack = now_.fits ? now_.high - now_.usable : now_.needed - now_.usable;
    return saves * 1.5 >= lack;
  }
  [[nodiscard]] bool limited() const { return limited_; }

 private:
  const Asker& asker_;
  bool limited_;
  Reading now_;
};

/// Of one kind, what saves no more than something milder is left out, and what is harsher than the first that is enough.
std::vector<Tried> helpful(const Search& search, const std::vector<Change>& changes) {
  std::vector<Tried> kept;
  for (const Change& change : changes) {
    const auto milder = [&](const Tried& k) { return k.has(change.kind) && k.enough; };
    if (std::any_of(kept.begin(), kept.end(), milder)) continue;
    Tried t = search.attempt({}, change);
    const auto better = [&](const Tried& k) { return k.has(change.kind) && k.saves >= t.saves; };
    if (t.saves > 0 && std::none_of(kept.begin(), kept.end(), better)) kept.push_back(std::move(t));
  }
  return kept;
}

constexpr std::size_t most_pairs = 4, most_together = 5;

/// The mildest pairs that are enough.
std::vector<Tried> pairs(const Search& search, const std::vector<Tried>& singles) {
  std::vector<std::pair<const Tried*, const Tried*>> all;
  for (std::size_t i = 0; i < singles.size(); ++i)
    for (std::size_t j = i + 1; j < singles.size(); ++j)
      if (!singles[j].has(singles[i].parts[0]->kind) && search.promising(singles[i].saves + singles[j].saves)) all.emplace_back(&singles[i], &singles[j]);
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first->regret() + a.second->regret() < b.first->regret() + b.second->regret(); });
  std::vector<Tried> enough;
  for (const auto& [a, b] : all) {
    if (enough.size() == most_pairs) break;
    Tried t = search.attempt(*a, *b->parts[0]);
    if (t.enough) enough.push_back(std::move(t));
  }
  return enough;
}

/// Where no pair is enough: one after the other, always what saves most beside the others.
std::vector<Tried> together(const Search& search, const std::vector<Tried>& singles) {
  Tried best;
  while (best.parts.size() < most_together && !best.enough) {
    Tried next = best;
    for (const Tried& one : singles) {
      if (best.has(one.parts[0]->kind)) continue;
      Tried t = search.attempt(best, *one.parts[0]);
      if (t.reading.answered && (t.enough != next.enough ? t.enough : t.saves > next.saves)) next = std::move(t);
    }
    if (next.parts.size() == best.parts.size()) return {};
    best = std::move(next);
  }
  return best.enough ? std::vector<Tried>{best} : std::vector<Tried>();
}

/// What the parts cost, one after the other.
Document costs_of(const Tried& t) {
  Document costs = Document::record();
  for (const auto& [name, cost] : {std::pair("time", &Costs::time), {"quality", &Costs::quality}, {"complexity", &Costs::complexity}}) {
    std::string words;
    for (const Change* part : t.parts)
      if (const std::string_view one = part->costs.*cost; !one.empty() && words.find(one) == std::string::npos) words += (words.empty() ? "" : "; ") + std::string(one);
    if (!words.empty()) costs.append(name, words);
  }
  return costs;
}

Document shown(const Tried& t, bool limited) {
  std::string id;
  for (const Change* part : t.parts) id += (id.empty() ? "" : "+") + part->id;
  Document row = Document::record();
  row.append("id", id);
  row.append("change", t.patch);
  row.append("savesBytes", t.saves);
  if (limited) row.append("fits", t.reading.fits);
  row.append("costs", costs_of(t));
  return row;
}

}  // namespace

Document advice_document(const Asker& asker, const Scenario& s) {
  Document list = Document::list();
  const Search search(asker, s.device.has_value());
  if (!search.tight()) return list;
  std::vector<Change> changes = changes_for(s);
  if (s.device)
    if (const std::optional<GpuSplit> layout = smallest_layout(asker, s.engine); layout && layout->gpus > s.layout.ranks())
      changes.push_back({"gpus-" + number_text(layout->gpus), "gpus", layout->change, {"", "", "more GPUs, and traffic between them"}, 3});
  std::vector<Tried> all = helpful(search, changes);
  if (s.device && std::none_of(all.begin(), all.end(), [](const Tried& t) { return t.enough; })) {
    std::vector<Tried> more = pairs(search, all);
    if (more.empty()) more = together(search, all);
    for (Tried& t : more) all.push_back(std::move(t));
  }
  std::stable_sort(all.begin(), all.end(), [](const Tried& a, const Tried& b) {
    if (a.enough != b.enough) return a.enough;
    if (a.enough && a.regret() != b.regret()) return a.regret() < b.regret();
    return a.saves > b.saves;
  });
  for (const Tried& t : all) list.push(shown(t, search.limited()));
  return list;
}

}  // namespace gpumem
