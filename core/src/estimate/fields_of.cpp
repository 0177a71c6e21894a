// Which fields a scenario may have beside those it has, as the readers of the scenario say it.

#include <algorithm>

#include "architectures/field_log.hpp"
#include "estimate/answer.hpp"
#include "estimate/scenario.hpp"
#include "gpumem/estimate.hpp"

namespace gpumem {
namespace {

/// The member at a path of names, or null.
const Document* at(const Document* from, std::string_view path) {
  while (from && !path.empty()) {
    const std::size_t dot = path.find('.');
    from = from->is(Document::Kind::record) ? from->find(path.substr(0, dot)) : nullptr;
    path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
  }
  return from;
}

/// The document with `value` at the path; records on the way are made where there are none.
Document with(const Document* base, std::string_view path, const Document& value) {
  if (path.empty()) return value;
  const std::size_t dot = path.find('.');
  const std::string_view name = path.substr(0, dot);
  Document made = base && base->is(Document::Kind::record) ? *base : Document::record();
  made.set(name, with(made.find(name), dot == std::string_view::npos ? "" : path.substr(dot + 1), value));
  return made;
}

/// Fields of the model's configuration and of a card's row are not the scenario's, and records are told by what is in them.
bool is_field(const FieldRead& read, const std::vector<FieldRead>& all) {
  for (const std::string_view outer : {"model.config.", "model.gguf.", "hardware.gpu."})
    if (read.path.starts_with(outer)) return false;
  return std::none_of(all.begin(), all.end(), [&](const FieldRead& r) {
    return r.path.size() > read.path.size() && r.path[read.path.size()] == '.' && r.path.starts_with(read.path) && read.kind == "any";
  });
}

/// A default is what the answer was made with; where the answer does not say it, or says what was given, what the reader puts
/// in, if it could be said.
Document default_of(const FieldRead& read, const Document& request, const Document* echoed) {
  const Document* used = at(&request, read.path) ? nullptr : at(echoed, read.path);
  if (used) return *used;
  if (read.absent.is(Document::Kind::text) && read.absent.text().empty()) return {};
  const bool outside = read.absent.is(Document::Kind::number) && read.low && (read.absent.number() < *read.low || read.absent.number() > *read.high);
  return outside ? Document() : read.absent;
}

std::string_view unit_of(const FieldRead& read) {
  if (read.kind == "size") return "bytes";
  return read.kind == "count" && (read.path.ends_with("Tokens") || read.path.ends_with("_tokens")) ? "tokens" : "";
}

Document described(const FieldRead& read, const Document& request, const Document* echoed) {
  Document row = Document::record({{"path", read.path}, {"kind", read.kind}});
  if (const Document usual = default_of(read, request, echoed); !usual.is(Document::Kind::null)) row.append("default", usual);
  if (const std::string_view unit = unit_of(read); !unit.empty()) row.append("unit", unit);
  if (read.low) row.append("least", *read.low);
  if (read.high) row.append("most", *read.high);
  if (!read.words.empty()) {
    Document words = Document::list();
    for (const std::string& one : read.words) words.push(one);
    row.append("words", std::move(words));
  }
  return row;
}

}  // namespace

Document fields_of(const Document& request, const Document& facts) {
  Document rows = Document::list();
  if (!whole_engine) return rows;
  std::vector<FieldRead> reads;
  Document answer;
  {
    const FieldLog log;
    answer = answer_once(request, facts);
    reads = log.reads();
  }
  // Some are looked at more closely only where they are given: then they are, whatever they hold.
  Document given = request;
  for (const FieldRead& read : reads)
    if (read.kind == "any" && is_field(read, reads) && !at(&request, read.path)) given = with(&given, read.path, true);
  {
    const FieldLog log;
    std::vector<Issue> ignored;
    read_scenario(given, facts, ignored);
    for (FieldRead& read : reads) {
      const auto closer = std::find_if(log.reads().begin(), log.reads().end(), [&](const FieldRead& r) { return r.path == read.path && r.kind != "any"; });
      if (read.kind != "any" || closer == log.reads().end()) continue;
      read = *closer;
      if (read.kind != "flag") read.absent = {};   // not given, nothing reads it
    }
  }
  for (const FieldRead& read : reads)
    if (is_field(read, reads)) rows.push(described(read, request, answer.find("scenario")));
  return rows;
}

}  // namespace gpumem
