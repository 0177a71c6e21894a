#include "architectures/operations.hpp"

#include <algorithm>
#include <cmath>

#include "architectures/fields.hpp"

namespace gpumem {
namespace {

using Kind = Document::Kind;
using Values = std::vector<Document>;

bool numeric(const Document& v) { return v.is(Kind::number) || v.is(Kind::boolean); }

double length(const Document& v) {
  if (v.is(Kind::list)) return static_cast<double>(v.items().size());
  if (v.is(Kind::record)) return static_cast<double>(v.members().size());
  return v.is(Kind::text) ? static_cast<double>(v.text().size()) : v.is(Kind::null) ? 0 : 1;
}

Document upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

/// The number that a word ends with, as names of stages do: 3 of "stage3", 0 of "stem".
Document ordinal(const std::string& word) {
  std::size_t from = word.size();
  while (from > 0 && word[from - 1] >= '0' && word[from - 1] <= '9') --from;
  double n = 0;
  for (; from < word.size(); ++from) n = n * 10 + (word[from] - '0');
  return n;
}

Document split(const Document& text, const Document& separator) {
  Document list = Document::list();
  std::string_view rest = text.text();
  const std::string& between = separator.text();
  for (std::size_t cut = rest.find(between); !between.empty() && cut != std::string_view::npos; cut = rest.find(between)) {
    list.push(rest.substr(0, cut));
    rest.remove_prefix(cut + between.size());
  }
  list.push(rest);
  return list;
}

/// Older names of kinds of layers. Source: [transformers] configuration_utils.py _LEGACY_LAYER_TYPE_REMAP
Document renamed(const Document& types) {
  if (!types.is(Kind::list)) return types;
  Document list = Document::list();
  for (const Document& type : types.items()) {
    const std::string& t = type.text();
    if (t == "mamba") list.push("linear_attention");
    else if (t == "attention") list.push("full_attention");
    else if (t == "deepseek_sparse_attention" || t == "qwen_sparse_attention") list.push("indexed_attention");
    else list.push(type);
  }
  return list;
}

std::size_t bound(const Document& v, std::size_t absent, std::size_t size, Evaluation& e) {
  if (v.is(Kind::null)) return absent;
  const double n = number_of(v, e), most = static_cast<double>(size);
  return static_cast<std::size_t>(std::clamp(n < 0 ? n + most : n, 0.0, most));
}

/// A part of a list, lists joined, a list backwards.
Document rearranged(std::string_view op, const Values& v, Evaluation& e) {
  Document made = Document::list();
  const auto& items = v[0].items();
  if (op == "slice" && v.size() == 3) {
    const std::size_t from = bound(v[1], 0, items.size(), e), to = bound(v[2], items.size(), items.size(), e);
    for (std::size_t i = from; i < to && e.step(); ++i) made.push(items[i]);
  } else if (op == "reverse") {
    for (auto i = items.rbegin(); i != items.rend() && e.step(); ++i) made.push(*i);
  } else {
    for (const Document& list : v)
      for (const Document& item : list.items())
        if (e.step()) made.push(item);
  }
  return made;
}

Document repeated(const Document& list, double times, Evaluation& e) {
  Document made = Document::list();
  for (double i = 0; i < times && e.step(); ++i)
    for (const Document& item : list.items())
      if (e.step()) made.push(item);
  return made;
}

Document over_list(std::string_view op, const Document& list, Evaluation& e) {
  if (!list.is(Kind::list)) return number_of(list, e);
  if (list.items().empty()) return op == "prod" ? 1 : 0;
  double all = op == "sum" ? 0 : op == "prod" ? 1 : number_of(list.items()[0], e);
  for (const Document& item : list.items()) {
    const double n = number_of(item, e);
    all = op == "sum" ? all + n : op == "prod" ? all * n : op == "maxof" ? std::max(all, n) : std::min(all, n);
  }
  return all;
}

Document of_one(std::string_view op, double n) {
  if (op == "ceil") return std::ceil(n);
  if (op == "floor") return std::floor(n);
  if (op == "int") return std::trunc(n);
  return std::nearbyint(n);
}

Document of_two(std::string_view op, double x, double y, Evaluation& e) {
  if (op == "+") return x + y;
  if (op == "-") return x - y;
  if (op == "*") return x * y;
  if (op == "<") return x < y;
  if (op == "**") return std::pow(x, y);
  if (y == 0) {
    e.fail("", "out-of-range", "makes a division by zero");
    return 0;
  }
  if (op == "/") return x / y;
  if (op == "//") return std::floor(x / y);
  if (op == "%") return x - std::floor(x / y) * y;
  e.fail("", "unsupported", text_of({"the inventory has an unknown operation ", quoted(op)}));
  return 0;
}

}  // namespace

double number_of(const Document& value, Evaluation& e) {
  const Document* v = &value;
  while (v->is(Kind::list) && !v->items().empty()) v = &v->items()[0];
  if (numeric(*v) && std::isfinite(v->number())) return v->number();
  e.fail("", numeric(*v) ? "not-finite" : "wrong-type", "must be a number for this model's weights to be counted");
  return 0;
}

bool truth_of(const Document& v) { return numeric(v) ? v.number() != 0 : length(v) > 0; }

bool equal(const Document& a, const Document& b) {
  if (numeric(a) && numeric(b)) return a.number() == b.number();
  if (a.kind() != b.kind()) return false;
  if (a.is(Kind::text)) return a.text() == b.text();
  if (a.is(Kind::list)) return std::equal(a.items().begin(), a.items().end(), b.items().begin(), b.items().end(), equal);
  return a.is(Kind::null);
}

Document element(const Document& list, double place, Evaluation& e) {
  if (!list.is(Kind::list) && !list.is(Kind::text)) return list;
  const double size = length(list), at = place < 0 ? place + size : place;
  if (!(at >= 0 && at < size)) {
    e.fail("", "wrong-length", text_of({"has ", number_text(size), " entries, too few for this model"}));
    return {};
  }
  const auto i = static_cast<std::size_t>(at);
  return list.is(Kind::text) ? Document(std::string_view(list.text()).substr(i, 1)) : list.items()[i];
}

Document apply(std::string_view op, const Values& v, Evaluation& e) {
  if (op == "list") {
    Document list = Document::list();
    for (const Document& item : v) list.push(item);
    return list;
  }
  if (v.empty()) return {};
  if (op == "not") return !truth_of(v[0]);
  if (op == "truthy") return truth_of(v[0]);
  if (op == "isnone") return v[0].is(Kind::null);
  if (op == "remap") return renamed(v[0]);
  if (op == "upper") return upper(v[0].text());
  if (op == "ordinal") return ordinal(v[0].text());
  if (op == "len") return length(v[0]);
  if (op == "sum" || op == "prod" || op == "maxof" || op == "minof") return over_list(op, v[0], e);
  if (op == "slice" || op == "reverse" || op == "cat") return rearranged(op, v, e);
  if (v.size() == 2) {
    if (op == "==") return equal(v[0], v[1]);
    if (op == "at") return element(v[0], number_of(v[1], e), e);
    if (op == "given") return v[0].is(Kind::null) ? v[1] : v[0];
    if (op == "rep") return repeated(v[0], number_of(v[1], e), e);
    if (op == "starts") return v[0].text().rfind(v[1].text(), 0) == 0;
    if (op == "split") return split(v[0], v[1]);
    if (op == "contains") {
      const auto& items = v[0].items();
      return v[0].is(Kind::list) ? std::any_of(items.begin(), items.end(), [&](const Document& i) { return equal(i, v[1]); }) : equal(v[0], v[1]);
    }
  }
  double first = number_of(v[0], e);
  if (v.size() == 1) return of_one(op, first);
  if (op != "max" && op != "min") return of_two(op, first, number_of(v[1], e), e);
  for (const Document& other : v) first = op == "max" ? std::max(first, number_of(other, e)) : std::min(first, number_of(other, e));
  return first;
}

}  // namespace gpumem
