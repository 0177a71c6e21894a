// Source: [transformers] models/*/modeling_*.py, the classes' constructors

#include "architectures/inventory.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

#include "architectures/expression.hpp"

namespace gpumem {
namespace {

constexpr int deepest_use = 16;
constexpr double most_elements = 9007199254740992.0;   // 2^53
constexpr std::array<std::string_view, 7> expert_counts = {"num_experts",     "num_local_experts", "n_routed_experts",  "moe_num_experts",
                                                           "num_moe_experts", "num_routed_experts", "moe_num_primary_experts"};
constexpr std::array<std::string_view, 6> chosen_counts = {"num_experts_per_tok", "num_experts_per_token", "moe_top_k", "moe_k", "top_k_experts", "num_selected_experts"};

class Counter {
 public:
  explicit Counter(Evaluation& evaluation) : e_(evaluation) {}
  Inventory made;

  void items(Scope& scope, const Document& list, const std::string& prefix, int depth) {
    for (const Document& item : list.items()) {
      if (!e_.step()) return;
      if (item.is(Document::Kind::list))
        tensor(scope, item.items(), prefix);
      else
        group(scope, item, prefix, depth);
    }
  }

  void whole_class(Scope& scope, std::string_view name, const std::string& prefix, int depth) {
    const Document* classes = scope.inventory() ? scope.inventory()->find("classes") : nullptr;
    const Document* list = classes ? classes->find(name) : nullptr;
    if (!list || depth > deepest_use)
      return e_.fail("architectures", "unsupported", text_of({"the weights of ", quoted(name), " (", scope.type(), ") are not known"}));
    std::vector<std::pair<std::string_view, double>> outer;   // loops of the user are not those of the used
    outer.swap(e_.variables);
    items(scope, *list, prefix, depth + 1);
    outer.swap(e_.variables);
  }

 private:
  void group(Scope& scope, const Document& item, const std::string& prefix, int depth) {
    const Document* body = item.find("do");
    if (const Document* condition = item.find("if"); condition && body) {
      if (scope.truth(*condition, e_)) items(scope, *body, prefix, depth);
    } else if (const Document* loop = item.find("for"); loop && body && loop->items().size() == 2) {
      repeat(scope, loop->items()[0].text(), loop->items()[1], *body, prefix, depth);
    } else if (const Document* need = item.find("need")) {
      const Document* is = item.find("is");
      const double found = scope.number(*need, e_);
      const bool one_choice = is && is->number() == 1 && found == 0;   // such as one model of timm by its name
      if (is && found != is->number())
        e_.fail("", "unsupported", one_choice ? std::string("the weights are known only for what a model of this type has here by default")
                                              : text_of({"a model of this type is counted with ", number_text(is->number()), " stages, not ", number_text(found)}));
    } else if (const Document* use = item.find("use")) {
      used(scope, item, use->text(), prefix, depth);
    }
  }

  void repeat(Scope& scope, std::string_view variable, const Document& count, const Document& body, const std::string& prefix, int depth) {
    const double times = scope.number(count, e_);
    e_.variables.emplace_back(variable, 0);
    loops_.push_back(times);
    for (double i = 0; i < times && e_.step(); ++i) {
      e_.variables.back().second = i;
      items(scope, body, prefix, depth);
    }
    loops_.pop_back();
    e_.variables.pop_back();
  }

  /// Another class's tensors: of this configuration, or of one inside it.
  void used(Scope& scope, const Document& item, std::string_view name, const std::string& prefix, int depth) {
    const Document* at = item.find("at");
    const Document* part = item.find("name");
    const Document* type = item.find("type");
    Scope* inner = scope.at(at ? at->text() : "", e_);
    if (!inner) return;
    const std::string below = part && !part->text().empty() ? prefix + part->text() + "." : prefix;
    if (item.find("auto")) {
      const Document* autos = inner->inventory() ? inner->inventory()->find("auto") : nullptr;
      const Document* chosen = autos ? autos->find(name) : nullptr;
      if (!chosen) return e_.fail("", "unsupported", text_of({quoted(inner->type()), " has no ", name}));
      return whole_class(*inner, chosen->text(), below, depth);
    }
    if (!type || type->text() == inner->type()) return whole_class(*inner, name, below, depth);
    Scope other = inner->as(type->text());
    whole_class(other, name, below, depth);
  }

  void tensor(Scope& scope, const std::vector<Document>& parts, const std::string& prefix) {
    if (parts.empty()) return;
    Shape shape;
    std::string key = prefix + parts[0].text();
    const std::size_t name_length = key.size();
    for (std::size_t i = 1; i < parts.size(); ++i) {
      const double n = scope.number(parts[i], e_);
      if (!(n >= 0 && n <= most_elements && std::floor(n) == n)) return e_.fail("", "out-of-range", "makes a tensor of an impossible size");
      if (shape.rank < Shape::most)
        shape.extent[static_cast<std::size_t>(shape.rank++)] = n;
      else
        shape[-1] *= n;
      key.push_back(' ');
      key.append(number_text(n));
    }
    const auto [place, is_new] = rows_.try_emplace(key, made.tensors.size());
    if (!is_new) {
      ++made.tensors[place->second].copies;
      return count_in_layer(made.tensors[place->second]);
    }
    HeldTensor row{key.substr(0, name_length), shape, 1, {}, 1};
    count_in_layer(row);
    if (row.name.find("experts.") != std::string::npos && row.name.find("shared_expert") == std::string::npos) row.active = share_of_experts(scope, shape);
    made.tensors.push_back(std::move(row));
  }

  /// The outermost loop is that over the layers.
  void count_in_layer(HeldTensor& row) {
    if (e_.variables.empty()) return;
    const int layer = static_cast<int>(e_.variables.front().second);
    if (row.by_layer.empty() || row.by_layer.back().first != layer) row.by_layer.emplace_back(layer, 0);
    ++row.by_layer.back().second;
  }

  /// Of routed experts, those one token is sent to: where the tensor or a loop around it is as long as there are experts.
  double share_of_experts(Scope& scope, const Shape& shape) {
    const auto given = [&](std::string_view name) {
      const Document* value = scope.knows(name) ? &scope.get(name, e_) : nullptr;
      return value && value->is(Document::Kind::number) ? value->number() : 0;
    };
    for (const std::string_view total : expert_counts) {
      const double all = given(total);
      const bool routed = all > 0 && ((shape.rank > 1 && shape[0] == all) || std::find(loops_.begin(), loops_.end(), all) != loops_.end());
      for (const std::string_view few : chosen_counts)
        if (const double chosen = given(few); routed && chosen > 0) return std::min(1.0, chosen / all);
    }
    return 1;
  }

  Evaluation& e_;
  std::vector<double> loops_;
  std::unordered_map<std::string, std::size_t> rows_;
};

std::string_view type_of(const Document& config) {
  const Document* type = config.find("model_type");
  return type ? std::string_view(type->text()) : std::string_view();
}

/// The class that config.json names, or the one most used with this type.
std::string_view class_of(const Document& config, const Document& inventory) {
  const Document* classes = inventory.find("classes");
  const Document* named = config.find("architectures");
  if (named && classes && !named->items().empty() && classes->find(named->items()[0].text())) return named->items()[0].text();
  const Document* main = inventory.find("main");
  return main ? std::string_view(main->text()) : std::string_view();
}

}  // namespace

double Inventory::total() const {
  double sum = 0;
  for (const HeldTensor& t : tensors) sum += in(elements, t.shape.count()) * t.copies;
  return sum;
}

double Inventory::active() const {
  double sum = 0;
  for (const HeldTensor& t : tensors) sum += in(elements, t.shape.count()) * t.copies * t.active;
  return std::round(sum);
}

bool has_inventory(const Document& config, const Document* library) { return library && library->find(type_of(config)); }

Inventory read_inventory(Fields& config, const Document& library) {
  Evaluation e;
  Scope scope(library, type_of(*config.source()), config.source(), nullptr, "");
  Counter counter(e);
  counter.whole_class(scope, class_of(*config.source(), *scope.inventory()), "", 0);
  if (!e.failed() && !(counter.made.total() > 0 && counter.made.total() <= most_elements))
    e.fail("", "out-of-range", "makes a model of an impossible size");
  if (e.failed()) config.report(e.path, e.code, e.message);
  return std::move(counter.made);
}

}  // namespace gpumem
