#pragma once
// Asks the estimate again with something changed.

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "machine/component.hpp"
#include "gpumem/document.hpp"

namespace gpumem {

/// `base` with the members of `change` in place of its own, as a JSON merge patch says it. A member that is null stays
/// as null, which readers take for absent.
void merge(Document& base, const Document& change);

/// A merge patch that puts a value at "inference.contextTokens".
Document change_of(std::string_view path, Document value);

/// What a question needs to know of one estimate.
struct Reading {
  bool answered = false;   ///< not refused
  bool fits = false;       ///< what the answer says
  /// Bytes to spare on the GPU that has least, negative where it does not fit; of an engine that takes a pool, what the
  /// pool has beyond the sequences asked for.
  double headroom = -std::numeric_limits<double>::infinity();
  double needed = 0;       ///< bytes on the GPU that needs most, without what a pool takes beyond them
  double usable = 0;       ///< of that GPU
  double high = 0;         ///< the upper end of what it may need
  double file = 0;         ///< bytes of the checkpoint's tensors
  Parts parts;             ///< of that GPU; of a pool, what is needed

  /// The sequences asked for find room. An engine with a pool may fit and let some of them wait.
  [[nodiscard]] bool holds() const { return answered && headroom >= 0; }
};

/// 0 … count - 1, in an order in which nothing comes before what has to stand before it; equals stay as they are.
/// One sort for all rows of this folder: a template for each would be a hundredth of the WebAssembly.
std::vector<std::size_t> ordered(std::size_t count, const std::function<bool(std::size_t, std::size_t)>& before);

class Asker {
 public:
  Asker(const Document& request, const Document& facts);
  [[nodiscard]] Reading ask(const Document& change) const;
  [[nodiscard]] Reading ask(std::string_view path, Document value) const { return ask(change_of(path, std::move(value))); }
  [[nodiscard]] const Document& request() const { return request_; }
  [[nodiscard]] const Document& facts() const { return facts_; }

 private:
  [[nodiscard]] Reading ask(const Document& change, const char* detail) const;

  Document request_;   ///< without questions
  const Document& facts_;
};

}  // namespace gpumem
