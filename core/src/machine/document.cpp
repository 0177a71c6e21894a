#include "gpumem/document.hpp"

namespace gpumem {

// Out of line: copies of these in every caller made up a fifth of the WebAssembly.
Document::Document(const Document&) = default;
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(const Document&) = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;
Document::Document(std::string_view value) : kind_(Kind::text), text_(value) {}
Document::Document(std::string value) : kind_(Kind::text), text_(std::move(value)) {}

Document Document::record(std::initializer_list<Row> rows) {
  Document made(Kind::record);
  for (const Row& row : rows) made.append(row.name, row.value);
  return made;
}

const Document* Document::find(std::string_view name) const {
  for (const auto& [key, value] : members_)
    if (key == name) return &value;
  return nullptr;
}

void Document::push(Document item) { items_.push_back(std::move(item)); }

void Document::append(std::string_view name, Document value) { members_.emplace_back(std::string(name), std::move(value)); }

void Document::set(std::string_view name, Document value) {
  for (auto& [key, old] : members_)
    if (key == name) {
      old = std::move(value);
      return;
    }
  append(name, std::move(value));
}

}  // namespace gpumem
