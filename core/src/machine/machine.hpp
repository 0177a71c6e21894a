#pragma once
// Runs programs on tensors that have a shape, a number format and a lifetime but no contents.
//
// Operations take values as Python functions take arguments: pass a copy to keep a tensor, move it to let it die when
// the operation is done. Each operation is one row of ops/: what it makes, what it saves for backward, and what its
// backward allocates in which order. Nothing here knows what a model is.

#include <map>
#include <string_view>
#include <vector>

#include "machine/memory.hpp"
#include "machine/parameters.hpp"
#include "machine/tape.hpp"

namespace gpumem {

/// Kernels that stand in for what a framework writes out in Python.
struct FusedKernels {
  bool norm = false, rotary = false, gated = false, gelu = false;
  bool adapters = false;   ///< of attention: base and adapter in one function
};

/// What of the forward waits in the host's memory for its backward: nothing; what checkpoints begin with; all that is saved.
enum class Away { nothing, checkpoints, saved };

/// Modules of a layer that are checkpointed by themselves.
struct Recomputed {
  bool attention = false, mlp = false;
};

struct Adaptation;   // what layers do to their linears; the machine only carries it

class Machine {
 public:
  Memory memory;
  Parameters parameters;
  std::vector<Node> tape;
  std::vector<Frame> frames;

  bool recording = false;             ///< grad mode
  bool declaring = false;             ///< only asks for parameters: nothing is allocated
  bool accumulated = false;           ///< gradients of earlier micro-batches are already there
  bool training = false;              ///< dropout is active
  const Format* autocast = nullptr;   ///< the format torch.autocast computes matrix products in
  const Format* weight_format = bf16;
  const Format* norm_format = nullptr;   ///< of norms' weights, where they are kept wider than the rest
  const Format* input_format = nullptr;  ///< what layers cast the tensors they are given to, where they do
  bool trainable = true;              ///< whether parameters are, unless they say otherwise
  bool inside_layers = false;         ///< parameters asked for now are those of a layer
  bool separate_experts = false;      ///< experts are modules of their own, run one by one; otherwise one stacked tensor
  bool adapters_off = false;          ///< adapters are there, and not used
  bool fetched_for_use = false;       ///< a parameter is on the device only while whoever asked for it holds it
  bool packed_inputs_kept = false;    ///< linears in 4 bits save their input for backward
  const Format* unpacked_first = nullptr;   ///< what they come back in, where that is cast before it is used
  bool heads_repeated = false;        ///< attention repeats grouped heads before its kernel, where its class does
  const Adaptation* adaptation = nullptr;
  FusedKernels fused;
  Recomputed recomputed;
  bool products_in_8_bits = false;    ///< linears of layers cast what they multiply
  bool selective = false;             ///< checkpoints keep the results of costly operations
  bool reentrant = false;             ///< checkpoints are of PyTorch's reentrant kind
  Away away = Away::nothing;
  Bytes managed;                      ///< of the optimizer's states, in memory that the driver moves between card and host
  std::map<int, Bytes> host;          ///< what waits in the host's memory, by layer
  Component made = Component::activations;   ///< what new tensors are for, unless an operation says otherwise

  Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // -- where in the model we are: names, layers -------------------------------------------------------------------
  class Scope {
   public:
    Scope(Machine& m, const char* name) : machine_(m), outer_(m.scope_) { m.enter_scope(name); }
    ~Scope() { machine_.scope_ = outer_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Machine& machine_;
    int outer_;
  };
  struct ScopeName {
    int outer;
    const char* name;
  };
  [[nodiscard]] const std::vector<ScopeName>& scopes() const { return scopes_; }
  /// Everything until the next call belongs to that layer; -1 comes before the layers.
  void begin_layer(int layer);
  [[nodiscard]] int layer() const { return layer_; }
  [[nodiscard]] bool idle() const { return declaring || stopped_; }

  // -- tensors ----------------------------------------------------------------------------------------------------
  Value allocate(const Shape& shape, const Format* format, const char* label);
  Value allocate(const Shape& shape, const Format* format, const char* label, Component component);
  /// The next parameter of this layer, of the model's weight format.
  Value parameter(const char* name, const Shape& shape) { return parameter(name, shape, weight_format, trainable); }
  /// `counted`: numbers it stands for, where it is not one an element.
  Value parameter(const char* name, const Shape& shape, const Format* format, bool is_trainable, double counted = -1);
  Value view(const Value& x, const Shape& shape) { return memory.view(x, shape); }
  /// A tensor that asks for a gradient although nothing that made it is trained.
  Value require_gradient(Value x);
  /// A view cut off from the tape.
  Value detach(const Value& x);

  // -- recording --------------------------------------------------------------------------------------------------
  /// A node for an operation on these inputs, or null if no gradient has to pass through it.
  Node* record(Backward rule, std::initializer_list<const Value*> inputs);
  void save(Node* node, const Value& x);
  /// Makes `out` an output of that node.
  Value& bind(Node* node, Value& out, int output = 0);
  /// The gradient of an input: like it in shape and format, and counted as a gradient if it is a parameter's own.
  Value gradient_like(const Node& node, int input, const char* label, Layout layout);
  Value gradient_like(const Node& node, int input, const char* label);
  /// What the gradient of that input is for.
  [[nodiscard]] Component gradient_component(const Node& node, std::size_t input);

  /// Runs `program` on `x`, saving nothing but x; backward will run it again.
  Value checkpoint(const Value& x, std::function<Value(Machine&, Value)> program);
  /// Whether a checkpointed stretch is being run for the second time.
  [[nodiscard]] bool replaying() const { return replaying_frame_ >= 0; }
  /// The result of an operation that selective checkpoints keep: all of its kind, or every second one.
  Value costly(const Shape& shape, const Format* format, const char* label, bool alternating = false);
  /// Runs the tape backwards from a scalar.
  void backward(Value loss);
  /// What happens to a parameter whose gradient is complete; true if the gradient can go at once.
  std::function<bool(Parameter&)> on_gradient;
  /// Called before a layer runs forward (`begins`) and after it; not when it runs again for a checkpoint.
  std::function<void(int layer, bool begins)> on_forward_layer;
  /// Called before the first node of another layer runs backward.
  std::function<void(int from_layer, int to_layer)> on_backward_layer;
  /// Forgets autocast's cached copies: the autocast context has been left.
  void leave_autocast() { autocast_cache_.clear(); }

  // -- operations (ops/*.cpp) -------------------------------------------------------------------------------------
  Value cast(Value x, const Format* format);
  /// What autocast does to the operand of a matrix product, or of an operation it wants in fp32.
  Value lower(Value x);
  Value widen(Value x);
  Value copy(Value x, const char* label, Layout layout);
  Value add(Value a, Value b);
  Value subtract(Value a, Value b);
  Value multiply(Value a, Value b);
  /// With a Python number: the format stays.
  Value add_number(Value x, const char* label = "add");
  Value scale(Value x, const char* label = "scale");
  Value negate(Value x);
  Value power(Value x, const char* label = "pow");
  Value mean_last(Value x);
  Value rsqrt(Value x);
  Value root(Value x);
  /// The standard deviation of each row.
  Value deviation_last(Value x);
  Value silu(Value x);
  Value gelu(Value x);
  /// gelu by tanh, written out, as one node that saves its input.
  Value gelu_function(Value x);
  Value relu(Value x);
  Value tanh(Value x);
  Value dropout(Value x, double probability);
  /// x where a condition holds, a number elsewhere.
  Value where(Value condition, Value x);
  Value softmax(Value x);
  Value layer_norm(Value x, Value weight, Value bias);
  /// A root-mean-square norm in one kernel.
  Value rms_norm(Value x, Value weight);
  /// silu(gate) · up in one kernel.
  Value silu_multiply(Value gate, Value up);

  Value embedding(Value ids, Value table, const char* label);
  Value linear(Value x, Value weight, Value bias, const char* label, bool transposed = false);
  /// x [..., in] times a weight [width, in] kept in 4 bits, unpacked to x's format for each use.
  Value linear_unpacked(Value x, Value bias, double width, const char* label);
  /// The same with both cast to 8 bits for the product; weight [out, in].
  Value linear_in_8_bits(Value x, Value weight, Value bias, const char* label);
  Value matmul(Value a, Value b, const char* label);
  /// A convolution over x; `out` is its result's shape.
  Value convolve(Value x, Value weight, Value bias, const Shape& out, const char* label);
  Value cat(Value a, Value b, const char* label);
  /// A part of the last extent, as a view; backward makes a tensor of zeros as large as x.
  Value slice(Value x, double width);
  /// Views of the last extent; backward glues their gradients together.
  std::vector<Value> split(Value x, const std::vector<double>& widths);
  /// x [rows, width] as views of so many rows each; backward glues their gradients together.
  std::vector<Value> split_rows(Value x, double rows);
  /// Some rows of x, as a view of that shape; backward makes a tensor of zeros as large as x.
  Value pick(Value x, const Shape& shape);
  /// A row [1, 1, w], the same for every batch, in front of x [b, s, w].
  Value prepend(Value row, Value x, const char* label);
  /// Two to four alike in a row as one tensor with an extent more, in front.
  Value stack(const std::vector<Value>& parts, const char* label);
  /// x as often as that in front.
  Value repeat_in_front(Value x, double times);
  /// The mean over the first extent.
  Value mean_in_front(Value x);
  Value repeat_heads(Value x, double times);
  Value heads(Value x, double count);
  Value flatten_heads(Value x);

  /// The sum of each row.
  Value sum_last(Value x);
  /// Sums of so many rows each.
  Value sum_rows(Value x, double count);
  Value sigmoid(Value x);
  Value clamp(Value x);
  Value divide(Value a, Value b);
  /// Writes into x: what x was before is kept only if backward needs it.
  Value divide_in_place(Value x, Value by);
  Value clamp_in_place(Value x);
  Value scale_in_place(Value x);
  /// The larger of x and a number kept in a tensor.
  Value at_least(Value x);
  Value add_in_place(Value x, Value y);
  /// Adds y's rows in place to those of x that `numbers` says.
  Value add_rows(Value x, Value y, Value numbers);
  Value max_last(Value x);
  /// x stretched to that shape: a view.
  Value stretch(Value x, const Shape& shape);
  Value mask_out(Value x, Value mask);
  struct Top {
    Value values, indices;
  };
  /// The largest `count` of each row and where they are.
  Top top(Value x, double count);
  Value gather(Value x, Value indices);
  /// Rows of x by number.
  Value take_rows(Value x, Value numbers);
  Value grouped_linear(Value x, Value weight, Value offsets, const char* label, bool transposed);
  /// A new tensor filled in place by two parts side by side; the second one may be stretched over the heads.
  Value fill_side_by_side(Value a, Value b, const char* label);

  Value exp(Value x);
  Value softplus(Value x);
  /// Sums from the first element of an extent to each.
  Value cumulate(Value x);
  /// x among zeros, as a tensor of that shape; also where there are none to add.
  Value pad(Value x, const Shape& shape, const char* label);
  /// Products of matrices, as many as the first extents say; `out` is the result's shape.
  Value contract(Value a, Value b, const Shape& out, const char* label);
  /// Solves triangular systems for x's columns; autocast leaves it alone.
  Value solve(Value system, Value x, const char* label);
  /// Writes a part into `whole`, which is a tensor of its own.
  Value write_part(Value whole, Value part);

  /// The result of a kernel that depends on a small parameter too.
  Value depending(Value x, Value parameter);
  Value flash_attention(Value q, Value k, Value v, Layout out);
  Value efficient_attention(Value q, Value k, Value v, Value bias);
  Value log_softmax(Value x);
  Value nll_loss(Value log_probabilities, Value targets);
  /// Both at once; backward writes the gradient over the logits.
  Value loss_in_place(Value logits, Value targets);
  /// x [R, h] times a head's weight [V, h] and the loss, so many rows at a time; gradients are made on the way.
  Value linear_loss(Value x, Value weight, Value targets, double rows);
  /// The rows of x [.., width] that a mask names.
  Value chosen_rows(Value x, Value mask, double rows);
  /// Back: a number for each place of the mask, zero where it names none.
  Value spread_rows(Value x, Value mask);
  /// The log-probability that a head's weight [V, h] gives each row's target, in tiles of rows and vocabulary; `told`: the
  /// entropy, the mean logit and whether the target is the greatest too.
  Value log_probabilities(Value x, Value weight, Value targets, bool told);

 private:
  friend class Scope;
  void enter_scope(const char* name);
  void run_in(int layer);
  void replay(Frame& frame);
  Value send_away(const Value& x);
  void run_node(Node& node);
  void deliver(const Edge& edge, Value gradient);
  Value accumulate(Value old, Value arrived);
  void finish_gradient(Parameter& parameter, Value gradient);
  Value sum_of(Value a, Value b, Backward rule, const char* label);
  Value unary(Value x, const char* label, Backward rule, bool save_input, bool save_output);

  std::vector<ScopeName> scopes_ = {{-1, ""}};
  int scope_ = 0;
  int layer_ = -1;
  bool stopped_ = false;      ///< a second run has saved all it had to
  int recording_frame_ = -1;  ///< the frame whose first run this is
  int replaying_frame_ = -1;  ///< the frame whose second run this is
  std::map<int, Value> autocast_cache_;
};

}  // namespace gpumem
