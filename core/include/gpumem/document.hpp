#pragma once
// Plain data as requests and answers are made of: null, booleans, numbers, text, lists and records in the order
// they were written. The core reads and writes documents; turning them into JSON or JavaScript is its users' work.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gpumem/units.hpp"

namespace gpumem {

class Document {
 public:
  enum class Kind { null, boolean, number, text, list, record };
  using Member = std::pair<std::string, Document>;
  struct Row;   // a member as a list of them is written: {"name", value}

  Document() = default;
  Document(const Document&);
  Document(Document&&) noexcept;
  Document& operator=(const Document&);
  Document& operator=(Document&&) noexcept;
  ~Document();
  Document(bool value) : kind_(Kind::boolean), number_(value ? 1 : 0) {}
  Document(double value) : kind_(Kind::number), number_(value) {}
  Document(int value) : Document(static_cast<double>(value)) {}
  Document(Bytes value) : Document(in(bytes, value)) {}
  Document(std::string_view value);
  Document(std::string value);
  Document(const char* value) : Document(std::string_view(value)) {}

  static Document list() { return Document(Kind::list); }
  static Document record() { return Document(Kind::record); }
  static Document record(std::initializer_list<Row> rows);

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] bool is(Kind kind) const { return kind_ == kind; }
  [[nodiscard]] double number() const { return number_; }
  [[nodiscard]] bool truth() const { return number_ != 0; }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::vector<Document>& items() const { return items_; }
  [[nodiscard]] const std::vector<Member>& members() const { return members_; }

  /// The member of that name, or null where there is none.
  [[nodiscard]] const Document* find(std::string_view name) const;

  void push(Document item);
  /// Adds a member whose name is known to be new.
  void append(std::string_view name, Document value);
  /// Adds a member at the end, or replaces the one of that name where it stands.
  void set(std::string_view name, Document value);

 private:
  explicit Document(Kind kind) : kind_(kind) {}
  Kind kind_ = Kind::null;
  double number_ = 0;
  std::string text_;
  std::vector<Document> items_;
  std::vector<Member> members_;
};

struct Document::Row {
  const char* name;
  Document value;
};

}  // namespace gpumem
