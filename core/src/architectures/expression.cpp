#include "architectures/expression.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "architectures/fields.hpp"
#include "architectures/operations.hpp"

namespace gpumem {

bool Evaluation::step() {
  if (!failed() && --budget_ < 0) fail("", "too-large", "has more layers or longer lists than can be counted");
  return !failed();
}

void Evaluation::fail(std::string_view where, std::string_view what, std::string text) {
  if (failed()) return;
  path = where.empty() ? last_field : std::string(where);
  code = what;
  message = std::move(text);
}

namespace {

const Document nothing;

/// Leaves the depth as it was.
struct Deeper {
  explicit Deeper(Evaluation& evaluation) : e(evaluation) {
    if (++e.depth > Evaluation::deepest) e.fail("", "too-deep", "nests too deeply to be counted");
  }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;
  ~Deeper() { --e.depth; }
  Evaluation& e;
};

}  // namespace

Scope::Scope(const Document& library, std::string_view type, const Document* record, const Document* given, std::string path)
    : library_(&library), type_(type), record_(record), given_(given), path_(std::move(path)), inventory_(library.find(type)) {}

const Document* Scope::part(std::string_view group, std::string_view name) const {
  const Document* rows = inventory_ ? inventory_->find(group) : nullptr;
  return rows ? rows->find(name) : nullptr;
}

bool Scope::knows(std::string_view name) const {
  return (record_ && record_->find(name)) || part("fields", name) || part("let", name);
}

/// What the file says; older spellings count; an explicit null is null. Else the default of the class.
const Document& Scope::raw(std::string_view name, Evaluation& e) {
  e.last_field = path_ + std::string(name);
  if (const Document* own = record_ ? record_->find(name) : nullptr) return *own;
  if (const Document* aliases = part("aliases", name))
    for (const Document& alias : aliases->items())
      if (const Document* own = record_ ? record_->find(alias.text()) : nullptr) return *own;
  if (const Document* own = given_ ? given_->find(name) : nullptr) return *own;
  const Document* extra = inventory_ ? inventory_->find("extra") : nullptr;   // may be there beside the class's fields
  if (extra && std::any_of(extra->items().begin(), extra->items().end(), [&](const Document& x) { return x.text() == name; })) return nothing;
  if (const Document* absent = part("fields", name)) return *absent;
  if (!part("configs", name)) e.fail("", "missing", "is needed to count this model's weights");
  return nothing;
}

const Document& Scope::get(std::string_view name, Evaluation& e) {
  const Deeper deeper(e);
  if (!e.step()) return nothing;
  if (const std::size_t dot = name.find('.'); dot != std::string_view::npos) {
    Scope* scope = inner(name.substr(0, dot), e);
    return scope ? scope->get(name.substr(dot + 1), e) : nothing;
  }
  if (name.substr(0, 1) == "?") return raw(name.substr(1), e);
  if (const auto known = derived_.find(name); known != derived_.end()) return known->second;
  if (const Document* rule = part("let", name)) {
    std::vector<std::pair<std::string_view, double>> outer;
    outer.swap(e.variables);
    Document value = evaluate(*rule, e);
    outer.swap(e.variables);
    return derived_[std::string(name)] = std::move(value);
  }
  if (name == "num_labels") {   // as many as there are labels; two where nothing is said
    const Document* labels = record_ ? record_->find("id2label") : nullptr;
    const Document* count = record_ ? record_->find("num_labels") : nullptr;
    if (labels && labels->is(Document::Kind::record)) return derived_["num_labels"] = static_cast<double>(labels->members().size());
    if (count && count->is(Document::Kind::number)) return *count;
    const Document* usual = part("fields", "num_labels");
    return usual && usual->is(Document::Kind::number) ? *usual : derived_["num_labels"] = 2;
  }
  return raw(name, e);
}

/// Whether the file itself has the field "a.?b", under this or an older name.
bool Scope::given_in_file(std::string_view name, Evaluation& e) {
  const std::size_t mark = name.find('?');
  if (mark == std::string_view::npos) return false;
  Scope* scope = mark > 0 ? at(name.substr(0, mark - 1), e) : this;
  if (!scope || !scope->record_) return false;
  if (scope->record_->find(name.substr(mark + 1))) return true;
  const Document* aliases = scope->part("aliases", name.substr(mark + 1));
  return aliases && std::any_of(aliases->items().begin(), aliases->items().end(), [&](const Document& a) { return scope->record_->find(a.text()) != nullptr; });
}

Scope* Scope::inner(std::string_view name, Evaluation& e) {
  if (const auto known = inner_.find(name); known != inner_.end()) return known->second.get();
  const Document* rule = part("configs", name);
  const Document* type = rule ? rule->find("type") : nullptr;
  if (!type) {
    e.fail(path_ + std::string(name), "missing", "is not a configuration that this model is known to have");
    return nullptr;
  }
  const Document* own = record_ ? record_->find(name) : nullptr;
  if (own && !own->is(Document::Kind::record)) own = nullptr;
  // Older files have the text model's fields beside the configurations of the other parts.
  if (!own && rule->find("flat") && record_ && record_->find("hidden_size")) own = record_;
  const Document* given = own ? nullptr : rule->find("fields");
  std::string_view kind = type->text();
  const Document* named = own && own != record_ ? own->find("model_type") : nullptr;
  if (named && rule->find("auto") && library_->find(named->text())) kind = named->text();   // else the type's usual one
  auto made = std::make_unique<Scope>(*library_, kind, own, given, path_ + std::string(name) + ".");
  return (inner_[std::string(name)] = std::move(made)).get();
}

Scope* Scope::at(std::string_view path, Evaluation& e) {
  if (path.empty()) return this;
  const std::size_t dot = path.find('.');
  Scope* scope = inner(path.substr(0, dot), e);
  return scope && dot != std::string_view::npos ? scope->at(path.substr(dot + 1), e) : scope;
}

double Scope::number(const Document& expression, Evaluation& e) { return number_of(evaluate(expression, e), e); }
bool Scope::truth(const Document& expression, Evaluation& e) { return truth_of(evaluate(expression, e)); }

namespace {

/// "@12" is the shared expression of index 12; anything else is past the end of all lists. (atof would bring 7 kB of long doubles.)
std::size_t place_of(const std::string& name) {
  std::size_t place = 0;
  for (std::size_t i = 1; i < name.size(); ++i) {
    if (name[i] < '0' || name[i] > '9' || place > 1000000) return static_cast<std::size_t>(-1);
    place = place * 10 + static_cast<std::size_t>(name[i] - '0');
  }
  return place;
}

}  // namespace

Document Scope::evaluate(const Document& expression, Evaluation& e) {
  const Deeper deeper(e);
  if (!e.step()) return {};
  if (expression.is(Document::Kind::text)) {
    const std::string& name = expression.text();
    if (!name.empty() && name[0] == '@') {
      const Document* shared = inventory_ ? inventory_->find("shared") : nullptr;
      const std::size_t place = place_of(name);
      if (!shared || place >= shared->items().size()) return {};
      return evaluate(shared->items()[place], e);
    }
    if (name.empty() || name[0] != '$') return get(name, e);
    for (auto v = e.variables.rbegin(); v != e.variables.rend(); ++v)
      if (v->first == name) return v->second;
    return 0;
  }
  if (!expression.is(Document::Kind::list)) return expression.is(Document::Kind::record) ? Document() : expression;
  if (expression.items().empty()) return {};
  return operation(expression.items(), e);
}

/// Operations that do not evaluate everything they are given; the others get values.
Document Scope::operation(const std::vector<Document>& parts, Evaluation& e) {
  const std::string& op = parts[0].text();
  const std::size_t given = parts.size() - 1;
  if (op == "'" && given == 1) return parts[1];
  if (op == "if" && given == 3) return evaluate(truth(parts[1], e) ? parts[2] : parts[3], e);
  if (op == "and" || op == "or") {
    for (std::size_t i = 1; i < parts.size(); ++i)
      if (truth(parts[i], e) == (op == "or")) return op == "or";
    return op == "and";
  }
  if (op == "map" || op == "filter") return listed(parts, e);
  if (op == "has" && given == 1) return given_in_file(parts[1].text(), e);
  if (op == "at" && given == 2 && parts[1].is(Document::Kind::text) && parts[1].text().find_first_of("$@") != 0) {
    const double place = number(parts[2], e);   // without a copy of the list
    return element(get(parts[1].text(), e), place, e);
  }
  std::vector<Document> values;
  values.reserve(given);
  for (std::size_t i = 1; i < parts.size(); ++i) values.push_back(evaluate(parts[i], e));
  return e.failed() ? Document() : apply(op, values, e);
}

/// ["map", variable, count, each] and ["filter", variable, count, condition, each].
Document Scope::listed(const std::vector<Document>& parts, Evaluation& e) {
  Document list = Document::list();
  const bool filtered = parts[0].text() == "filter";
  if (parts.size() != (filtered ? 5U : 4U)) return list;
  const double count = number(parts[2], e);
  e.variables.emplace_back(parts[1].text(), 0);
  for (double i = 0; i < count && e.step(); ++i) {
    e.variables.back().second = i;
    if (!filtered || truth(parts[3], e)) list.push(evaluate(parts.back(), e));
  }
  e.variables.pop_back();
  return list;
}

}  // namespace gpumem
