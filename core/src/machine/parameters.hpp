#pragma once
// The parameters of a model, as running its program declares them.

#include <vector>

#include "machine/value.hpp"

namespace gpumem {

struct Parameter {
  const char* name = "";
  Shape shape;
  const Format* format = nullptr;
  int layer = 0, scope = 0;
  bool trainable = true;
  bool hidden = false;      ///< inside a layer: neither in the embedding nor in the head
  double counted = -1;      ///< numbers it stands for; −1: one an element
  double copies = 1;        ///< more than one where identical layers are not run again
  double used = 1;          ///< share of it that works on one token (experts)
  Value gradient;           ///< `.grad`
  Value arriving;           ///< its gradient while another use of it has still to report
  bool gradient_leaves = false;   ///< as soon as it is complete
  int uses = 0;             ///< how often the tape refers to it and has not reported yet

  [[nodiscard]] double count() const { return counted < 0 ? in(elements, shape.count()) : counted; }
  [[nodiscard]] Bytes stored() const { return stored_bytes(shape.count(), *format); }
};

/// Parameters in the order the program asks for them, layer by layer; every run of a layer asks in the same order.
class Parameters {
 public:
  std::vector<Parameter> rows;

  /// The next parameter of that layer: made on the first run, found again on later ones.
  int next(int layer, const Parameter& wanted) {
    Cursor& at = cursor(layer);
    if (at.next < at.index.size()) return at.index[at.next++];
    at.index.push_back(static_cast<int>(rows.size()));
    ++at.next;
    rows.push_back(wanted);
    return at.index.back();
  }
  void begin(int layer) { cursor(layer).next = 0; }
  /// Which of that layer's parameters comes next.
  std::size_t& position(int layer) { return cursor(layer).next; }
  Parameter& operator[](int i) { return rows[static_cast<std::size_t>(i)]; }

 private:
  struct Cursor {
    std::vector<int> index;
    std::size_t next = 0;
  };
  Cursor& cursor(int layer) {
    const auto at = static_cast<std::size_t>(layer + 1);
    if (at >= cursors_.size()) cursors_.resize(at + 1);
    return cursors_[at];
  }
  std::vector<Cursor> cursors_;
};

}  // namespace gpumem
