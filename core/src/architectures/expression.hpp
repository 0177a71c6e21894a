#pragma once
// Expressions of a configuration's fields, as core/catalog/architectures/ writes them: a number, true, false or null;
// text is the name of a field, "$1" a loop's variable, ["'", text] a word, ["op", …] an operation. Documents and
// configurations may come from anywhere: work and depth are bounded, and the first thing wrong ends everything.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gpumem/document.hpp"

namespace gpumem {

/// The state of one evaluation: what may still be done, what the loops are at, what went wrong.
class Evaluation {
 public:
  static constexpr int deepest = 200;
  std::vector<std::pair<std::string_view, double>> variables;
  int depth = 0;

  /// Counts a piece of work; false once there was too much of it or something is wrong.
  bool step();
  void fail(std::string_view path, std::string_view code, std::string message);
  [[nodiscard]] bool failed() const { return !code.empty(); }

  std::string path, code, message;   ///< the first problem
  std::string last_field;            ///< the field read last, for a problem's path

 private:
  int budget_ = 4000000;
};

/// A configuration's record beside the inventory of its model type: finds fields, derived fields and inner configurations.
class Scope {
 public:
  /// `library` has an inventory by model type; `record` and `given` (what an outer type's defaults say) may be null.
  Scope(const Document& library, std::string_view type, const Document* record, const Document* given, std::string path);

  [[nodiscard]] const Document* inventory() const { return inventory_; }
  [[nodiscard]] const std::string& type() const { return type_; }
  [[nodiscard]] const Document* record() const { return record_; }
  [[nodiscard]] bool knows(std::string_view name) const;

  const Document& get(std::string_view name, Evaluation& e);
  /// The configuration at "a.b" below this one, or null with a problem.
  Scope* at(std::string_view path, Evaluation& e);
  /// The same configuration read with another type's inventory.
  Scope as(std::string_view type) const { return {*library_, type, record_, given_, path_}; }

  Document evaluate(const Document& expression, Evaluation& e);
  double number(const Document& expression, Evaluation& e);
  bool truth(const Document& expression, Evaluation& e);

 private:
  const Document& raw(std::string_view name, Evaluation& e);
  bool given_in_file(std::string_view name, Evaluation& e);
  Scope* inner(std::string_view name, Evaluation& e);
  [[nodiscard]] const Document* part(std::string_view group, std::string_view name) const;
  Document operation(const std::vector<Document>& parts, Evaluation& e);
  Document listed(const std::vector<Document>& parts, Evaluation& e);

  const Document* library_;
  std::string type_;
  const Document* record_;
  const Document* given_;
  std::string path_;
  const Document* inventory_;
  std::map<std::string, Document, std::less<>> derived_;
  std::map<std::string, std::unique_ptr<Scope>, std::less<>> inner_;
};

}  // namespace gpumem
