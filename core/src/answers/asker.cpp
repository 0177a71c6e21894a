#include "answers/asker.hpp"

#include <algorithm>
#include <cmath>

#include "estimate/answer.hpp"

namespace gpumem {
namespace {

double number_at(const Document& record, const char* name, double absent = 0) {
  const Document* found = record.find(name);
  return found ? found->number() : absent;
}

/// Of one GPU; what its pool takes beyond what was asked for counts as room.
Reading reading_of(const Document& device) {
  Reading r;
  const Document* process = device.find("processBytes");
  const double allocated = number_at(device, "allocatedBytes");
  const double idle = allocated - number_at(device, "neededBytes", allocated);
  r.answered = true;
  r.needed = number_at(*process, "expected") - idle;
  r.high = number_at(*process, "high") - idle;
  r.usable = number_at(device, "usableBytes");
  const Document* fits = device.find("fits");
  r.fits = fits && fits->truth();
  r.headroom = number_at(device, "headroomBytes");
  if (device.find("neededBytes")) r.headroom = std::min(r.headroom, idle);
  const auto& rows = device.find("components")->items();
  for (std::size_t c = 0; c < rows.size(); ++c) r.parts.of[c] = bytes(number_at(rows[c], "bytes"));
  r.parts[Component::kv_cache] -= bytes(idle);
  return r;
}

}  // namespace

void merge(Document& base, const Document& change) {
  for (const auto& [name, value] : change.members()) {
    const Document* old = base.find(name);
    if (!value.is(Document::Kind::record)) {
      base.set(name, value);
      continue;
    }
    Document inner = old && old->is(Document::Kind::record) ? *old : Document::record();
    merge(inner, value);
    base.set(name, std::move(inner));
  }
}

Document change_of(std::string_view path, Document value) {
  const std::size_t dot = path.rfind('.');
  Document made = Document::record();
  made.append(path.substr(dot == std::string_view::npos ? 0 : dot + 1), std::move(value));
  return dot == std::string_view::npos ? made : change_of(path.substr(0, dot), std::move(made));
}

std::vector<std::size_t> ordered(std::size_t count, const std::function<bool(std::size_t, std::size_t)>& before) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t at = order.size();
    while (at > 0 && before(i, order[at - 1])) --at;
    order.insert(order.begin() + static_cast<std::ptrdiff_t>(at), i);
  }
  return order;
}

Asker::Asker(const Document& request, const Document& facts) : request_(request), facts_(facts) {
  request_.set("questions", Document::list());
}

Reading Asker::ask(const Document& change, const char* detail) const {
  Document request = request_;
  merge(request, change);
  request.set("detail", detail);
  const Document answer = answer_once(request, facts_);
  Reading worst;
  const Document* devices = answer.find("devices");
  if (!devices) return worst;
  bool all = true;
  for (const Document& device : devices->items()) {
    if (device.find("role")->text() == "host") continue;
    const Reading one = reading_of(device);
    const double headroom = worst.answered ? std::min(worst.headroom, one.headroom) : one.headroom;
    all = all && one.fits;
    if (!worst.answered || one.needed > worst.needed) worst = one;
    worst.headroom = headroom;
  }
  worst.fits = all;
  worst.file = number_at(*answer.find("modelFile"), "tensorBytes");
  return worst;
}

/// Where it is close, layer by layer as the answer itself is; what is needed stays comparable with what is not close.
Reading Asker::ask(const Document& change) const {
  constexpr double close = 0.1;   // of the card
  const Reading quick = ask(change, "summary");
  if (!quick.answered || std::abs(quick.headroom) > close * quick.usable) return quick;
  Reading exact = ask(change, "timeline");
  exact.needed = quick.needed;
  return exact;
}

}  // namespace gpumem
