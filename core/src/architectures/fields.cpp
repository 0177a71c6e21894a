#include "architectures/fields.hpp"

#include <algorithm>
#include <cmath>

#include "architectures/field_log.hpp"
#include "machine/parts.hpp"

namespace gpumem {
namespace {

/// Nobody asks the engine of the first answer which fields there are.
bool logs() { return whole_engine && FieldLog::is_open(); }

std::string_view kind_name(const Document& value) {
  switch (value.kind()) {
    case Document::Kind::null: return "null";
    case Document::Kind::boolean: return "true or false";
    case Document::Kind::number: return "a number";
    case Document::Kind::text: return "text";
    case Document::Kind::list: return "a list";
    case Document::Kind::record: break;
  }
  return "a record";
}

std::string joined(Names words) {
  std::string all;
  for (std::string_view w : words) add_word(all, w);
  return all;
}

}  // namespace

std::string_view cut(std::string_view text, std::size_t longest) {
  if (text.size() <= longest) return text;
  while (longest > 0 && (static_cast<unsigned char>(text[longest]) & 0xC0) == 0x80) --longest;
  return text.substr(0, longest);
}

std::string quoted(std::string_view text) { return text_of({"\"", cut(text, 100), "\""}); }

std::string text_of(Names parts) {
  std::string all;
  for (const std::string_view part : parts) all.append(part);
  return all;
}

void add_word(std::string& list, std::string_view word) {
  if (!list.empty() && !list.ends_with(' ')) list.append(", ");
  list.append(word);
}


Fields::Fields(const Document* record, std::string path, std::vector<Issue>& issues)
    : record_(record && record->is(Document::Kind::record) ? record : nullptr), path_(std::move(path)), issues_(issues) {
  if (record && !record_ && !record->is(Document::Kind::null))
    issues_.push_back({path_, "wrong-type", text_of({"must be a record of fields, not ", kind_name(*record)})});
}

std::string Fields::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : name.empty() ? path_ : path_ + "." + std::string(name);
}

void Fields::report(std::string_view name, std::string_view code, std::string message) {
  issues_.push_back({path_of(name), std::string(code), std::move(message)});
}

bool Fields::knows(std::string_view name) const { return std::find(known_.begin(), known_.end(), name) != known_.end(); }

const Document* Fields::value(Names names) {
  const Document* found = nullptr;
  for (std::string_view name : names) {
    if (!knows(name)) known_.emplace_back(name);
    const Document* here = record_ ? record_->find(name) : nullptr;
    if (!found && here && !here->is(Document::Kind::null)) found = here;
  }
  if (logs()) FieldLog::note({path_of(*names.begin()), "any", {}, {}, {}, {}});
  return found;
}

bool Fields::has(std::string_view name) { return value({name}) != nullptr; }

double Fields::count(Names names, std::optional<double> absent, double low, double high) {
  const std::string_view name = *names.begin();
  const Document* v = value(names);
  if (logs()) FieldLog::note({path_of(name), "count", absent ? Document(*absent) : Document(), low, high, {}});
  if (!v) {
    if (!absent) report(name, "missing", text_of({"is needed: a whole number from ", number_text(low), " up"}));
    return absent.value_or(low);
  }
  const double n = v->number();
  if (!v->is(Document::Kind::number))
    report(name, "wrong-type", text_of({"must be a whole number, not ", kind_name(*v)}));
  else if (!std::isfinite(n))
    report(name, "not-finite", "must be a whole number, not NaN or Infinity");
  else if (std::floor(n) != n)
    report(name, "not-whole", text_of({"must be a whole number, not ", number_text(n)}));
  else if (n < low || n > high)
    report(name, "out-of-range", text_of({"must be from ", number_text(low), " to ", number_text(high), ", not ", number_text(n)}));
  else
    return n;
  return absent.value_or(low);
}

double Fields::number(Names names, double absent, double low, double high) {
  const Document* v = value(names);
  if (logs()) FieldLog::note({path_of(*names.begin()), "number", absent, low, high, {}});
  if (!v) return absent;
  const double n = v->number();
  const std::string_view name = *names.begin();
  if (!v->is(Document::Kind::number))
    report(name, "wrong-type", text_of({"must be a number, not ", kind_name(*v)}));
  else if (!std::isfinite(n))
    report(name, "not-finite", "must be a number, not NaN or Infinity");
  else if (n < low || n > high)
    report(name, "out-of-range", text_of({"must be from ", number_text(low), " to ", number_text(high), ", not ", number_text(n)}));
  else
    return n;
  return absent;
}

bool Fields::flag(Names names, bool absent) {
  const Document* v = value(names);
  if (logs()) FieldLog::note({path_of(*names.begin()), "flag", absent, {}, {}, {}});
  if (!v) return absent;
  if (!v->is(Document::Kind::boolean)) {
    report(*names.begin(), "wrong-type", text_of({"must be true or false, not ", kind_name(*v)}));
    return absent;
  }
  return v->truth();
}

std::string Fields::text(Names names, std::string_view absent) {
  const Document* v = value(names);
  if (logs()) FieldLog::note({path_of(*names.begin()), "text", absent, {}, {}, {}});
  if (!v) return std::string(absent);
  if (!v->is(Document::Kind::text)) {
    report(*names.begin(), "wrong-type", text_of({"must be text, not ", kind_name(*v)}));
    return std::string(absent);
  }
  return v->text();
}

std::string Fields::word(Names names, std::string_view absent, Names accepted) {
  const std::string given = text(names, absent);
  if (logs()) FieldLog::note({path_of(*names.begin()), "word", absent, {}, {}, {accepted.begin(), accepted.end()}});
  if (given.empty() || std::find(accepted.begin(), accepted.end(), given) != accepted.end()) return given;
  report(*names.begin(), "unknown-word", text_of({"must be one of: ", joined(accepted), "; not ", quoted(given)}));
  return std::string(absent);
}

Fields Fields::record(std::string_view name) { return {value({name}), path_of(name), issues_}; }

void Fields::refuse_unknown() {
  std::string accepted = "; accepted: ";
  for (const std::string& k : known_) add_word(accepted, k);
  assume_ignored([&](std::string_view name) {
    report(cut(name, 60), "unknown-field", text_of({"is not a field here", accepted}));
    accepted.clear();   // said once
  });
}

}  // namespace gpumem
