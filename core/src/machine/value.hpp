#pragma once
// Tensors without contents. A Storage is a piece of memory; a Tensor is a view of one, with shape and number format;
// a Value is whoever holds a tensor: a variable of a program, the tape, a cache. A storage dies with its last holder,
// at the moment that holder lets go, as in Python.

#include <utility>

#include "machine/component.hpp"
#include "machine/format.hpp"
#include "machine/shape.hpp"

namespace gpumem {

class Memory;

struct Storage {
  Bytes raw;                 ///< what the elements need
  Bytes rounded;             ///< what the allocator hands out for it
  Component component = Component::activations;
  int layer = 0;             ///< the layer that was running when it was born
  int scope = 0;             ///< where in the model, for its name
  const char* label = "";
  double copies = 1;         ///< more than one where identical layers are not run again
  int holders = 0;           ///< tensors that view it
  std::size_t place = 0;     ///< in the list of living storages
  long birth = 0;            ///< its number among all that were ever made
  bool away = false;         ///< let go for a while; it will be made again
  int logged = -1, copies_logged = -1;   ///< in the log of allocations: itself, and what it stands for beside itself
  Shape shape;
  const Format* format = nullptr;
};

/// How the elements of an attention tensor [batch, heads, tokens, dim] lie in memory. PyTorch's element-wise kernels
/// keep the layout of their first operand; cat, matmul and slice's backward make head-major ones; whoever flattens
/// heads back to [batch, tokens, width] must copy unless it is token-major.
enum class Layout : unsigned char { token_major, head_major };

struct Tensor {
  Storage* storage = nullptr;   ///< null for parameters, which are counted as a whole, and where nothing is stored
  Shape shape;
  const Format* format = nullptr;
  Layout layout = Layout::token_major;
  bool needs_gradient = false;
  int node = -1;                ///< the operation on the tape that made it
  int output = 0;               ///< which of that operation's outputs
  int parameter = -1;           ///< the parameter it is
  int holders = 0;
  Memory* memory = nullptr;
};

class Value {
 public:
  Value() = default;
  explicit Value(Tensor* tensor) : tensor_(tensor) { hold(); }
  [[gnu::noinline]] Value(const Value& other) : tensor_(other.tensor_) { hold(); }
  Value(Value&& other) noexcept : tensor_(std::exchange(other.tensor_, nullptr)) {}
  [[gnu::noinline]] Value& operator=(const Value& other) {
    Value copy(other);
    std::swap(tensor_, copy.tensor_);
    return *this;
  }
  [[gnu::noinline]] Value& operator=(Value&& other) noexcept {
    if (this != &other) {
      drop();
      tensor_ = std::exchange(other.tensor_, nullptr);
    }
    return *this;
  }
  [[gnu::noinline]] ~Value() { drop(); }

  /// Lets go: Python's `del`.
  void drop() {
    if (Tensor* old = std::exchange(tensor_, nullptr); old && --old->holders == 0) release(old);
  }

  explicit operator bool() const { return tensor_ != nullptr; }
  Tensor* operator->() { return tensor_; }
  const Tensor* operator->() const { return tensor_; }
  [[nodiscard]] const Tensor* get() const { return tensor_; }

 private:
  void hold() {
    if (tensor_) ++tensor_->holders;
  }
  static void release(Tensor* tensor);
  Tensor* tensor_ = nullptr;
};

}  // namespace gpumem
