#pragma once
// Reads the fields of one record, collecting every issue instead of stopping at the first.

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "gpumem/document.hpp"
#include "gpumem/number_text.hpp"

namespace gpumem {

struct Issue {
  std::string path, code, message;
};

using Names = std::initializer_list<std::string_view>;

class Fields {
 public:
  /// `record` may be null: then every field is absent. Issues get `path` in front of their field's name.
  Fields(const Document* record, std::string path, std::vector<Issue>& issues);

  /// The first of these names that is there and not null; it counts as known.
  const Document* value(Names names);
  [[nodiscard]] bool has(std::string_view name);

  /// A whole number in low..high. Without a default, its absence is an issue (and the answer is `low`).
  double count(Names names, std::optional<double> absent, double low, double high);
  /// Any finite number in low..high.
  double number(Names names, double absent, double low, double high);
  bool flag(Names names, bool absent);
  std::string text(Names names, std::string_view absent);
  /// One of these words.
  std::string word(Names names, std::string_view absent, Names accepted);
  Fields record(std::string_view name);

  /// Tells of every field nobody asked for, where that is no issue.
  template <class Told>
  void assume_ignored(Told told) const {
    if (!record_) return;
    for (const auto& [name, value] : record_->members())
      if (!knows(name)) told(name);
  }
  /// Every field nobody asked for is an issue.
  void refuse_unknown();
  void report(std::string_view name, std::string_view code, std::string message);
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::vector<Issue>& issues() { return issues_; }
  [[nodiscard]] const Document* source() const { return record_; }

 private:
  [[nodiscard]] bool knows(std::string_view name) const;
  [[nodiscard]] std::string path_of(std::string_view name) const;
  const Document* record_;
  std::string path_;
  std::vector<Issue>& issues_;
  std::vector<std::string> known_;
};

/// The parts, one after the other.
std::string text_of(Names parts);

/// Adds a word to a list that is read: "a, b, c".
void add_word(std::string& list, std::string_view word);

/// The beginning of a UTF-8 text: at most so many bytes, no character cut in half.
std::string_view cut(std::string_view text, std::size_t longest);

/// What somebody typed, in quotation marks and not longer than a line.
std::string quoted(std::string_view text);

}  // namespace gpumem
