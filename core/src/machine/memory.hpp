#pragma once
// The device's memory: makes storages and tensors, knows which are alive, and tells the ledger.

#include <memory>
#include <vector>

#include "machine/allocation_log.hpp"
#include "machine/ledger.hpp"
#include "machine/value.hpp"

namespace gpumem {

/// PyTorch's CUDA caching allocator rounds every request up to this.
/// Source: [pytorch-cuda-allocator] kMinBlockSize
inline constexpr Bytes allocation_unit = bytes(512);
inline Bytes rounded_up(Bytes raw) { return raw.rounded_up_to(allocation_unit); }

/// Objects of one type that are made and thrown away all the time.
template <class T>
class Pool {
 public:
  T* take() {
    if (free_.empty()) {
      blocks_.push_back(std::make_unique<T[]>(block));
      for (std::size_t i = block; i-- > 0;) free_.push_back(&blocks_.back()[i]);
    }
    T* object = free_.back();
    free_.pop_back();
    *object = T{};
    return object;
  }
  void give(T* object) { free_.push_back(object); }

 private:
  static constexpr std::size_t block = 128;
  std::vector<std::unique_ptr<T[]>> blocks_;
  std::vector<T*> free_;
};

/// What a list of living tensors says of one (or of several alike).
struct Alive {
  Component component;
  int layer;
  int scope;
  const char* label;
  Shape shape;
  const Format* format;
  double copies;
  int logged = -1;   ///< in the log of allocations

  [[nodiscard]] Bytes raw() const { return stored_bytes(shape, *format); }
  [[nodiscard]] Bytes rounded() const { return stored_bytes(shape, *format, allocation_unit); }
};

class Memory {
 public:
  Ledger ledger;
  AllocationLog log;

  /// A tensor with memory of its own; a moment of the ledger.
  Value allocate(const Shape& shape, const Format* format, Component component, const char* label, int layer, int scope);
  /// A tensor without memory: a parameter, or a result nobody computes.
  Value describe(const Shape& shape, const Format* format);
  /// Another view of the same memory.
  Value view(const Value& of, const Shape& shape);
  /// Counts that memory under another component from now on; memory that others look at too stays as it is.
  void relabel(const Value& value, Component component);
  void note();
  int running_layer = -1;

  // Memory that programs let go and make again, and that stands for more of its kind.
  [[nodiscard]] long births() const { return births_; }
  /// What was made since then and still lives, oldest first.
  [[nodiscard]] std::vector<Value> born_since(long birth);
  /// Takes it off the ledger until it is brought back; whoever looks at it keeps it.
  void put_away(const Value& value);
  void bring_back(const Value& value);
  /// It counts for `more` further ones like it.
  void stand_for(const Value& value, double more);

  /// From here on every storage born in those layers stands for `more` further ones like it (identical layers not run).
  void multiply(int first_layer, int last_layer, double more);
  /// Takes those further ones away again.
  void divide(int first_layer, int last_layer);
  /// Lets go of further copies whose original died while its own layer ran again: the layers it stands for still held
  /// theirs until now.
  void settle(int first_layer, int last_layer);

  /// Adds memory that no program holds: all weights, optimizer states, gradients of layers that are not run.
  void add_bulk(const Alive& alive);
  /// Takes away everything added so for that component.
  void remove_bulk(Component component);

  /// What is alive at the awaited moment, once that has passed.
  [[nodiscard]] const std::vector<Alive>& snapshot() const { return snapshot_; }
  [[nodiscard]] bool holds_alone(const Value& value) const;

 private:
  friend class Value;
  void release(Tensor* tensor);
  void die(Storage* storage);
  void take_snapshot();

  Pool<Storage> storages_;
  Pool<Tensor> tensors_;
  std::vector<Storage*> living_;
  std::vector<Alive> snapshot_;
  std::vector<Storage> ghosts_;
  std::vector<Alive> bulk_;
  long births_ = 0;
};

}  // namespace gpumem
