#pragma once
// One steady-state training step on one GPU, moment by moment.

#include <optional>

#include "layers/dense.hpp"
#include "layers/model.hpp"
#include "training/gradient_buckets.hpp"
#include "training/loss.hpp"
#include "training/ranks.hpp"

namespace gpumem {

struct ImageReader;

struct TrainingPlan {
  const Format* weights = bf16;
  const Format* autocast = nullptr;     ///< null: computed in the format of the weights
  const catalog::OptimizerRow* optimizer = nullptr;
  std::string_view step = "fused";      ///< fused | foreach | loop
  double micro_batch = 1, tokens = 2048;
  AttentionKernel kernel = AttentionKernel::flash;
  bool checkpointing = false;           ///< of whole layers
  int together = 1;                     ///< layers that one checkpoint holds
  double tensor_ranks = 1;              ///< see Pass
  bool products_in_8_bits = false;      ///< see Machine
  bool selective = false;               ///< checkpoints keep the results of costly operations
  bool reentrant = false;               ///< see Machine
  Recomputed recomputed;                ///< modules that are checkpointed by themselves
  Away away = Away::nothing;
  const Format* states = nullptr;       ///< of the optimizer's states, where it is not their parameter's
  bool states_on_host = false;          ///< the optimizer works in the host's memory
  bool gradients_on_host = false;       ///< and gradients go there as they come
  bool optimizer_in_backward = false;
  std::optional<Adaptation> adaptation; ///< null: everything is trained
  double virtual_tokens = 0;            ///< trained rows in front of every sequence
  const ImageReader* reader = nullptr;  ///< of images among the tokens; null: there are none
  double images = 0;                    ///< of a micro-batch
  bool averaged = false;                ///< a copy of all weights follows those that are trained
  LossPlan loss;
  bool presents = false;                ///< see Pass
  FusedKernels fused;
  bool packed_inputs_kept = false;      ///< see Machine
  const Format* unpacked_first = nullptr;   ///< likewise
  bool heads_repeated = false;          ///< see Machine
  bool separate_experts = false;        ///< experts are modules of their own
  const Format* norms = nullptr;        ///< format of the norms' weights, where it is not that of the others
  bool accumulating = false;            ///< gradients of earlier micro-batches are there when the step begins
  const Format* inputs = nullptr;       ///< what layers cast the tensors they are given to, where they do
  RankProgram* ranks = nullptr;         ///< what this rank does with others; null: it is alone, or all hold everything
  GradientBuckets* buckets = nullptr;   ///< where all hold everything and sum their gradients
};

/// Runs the step on `m`, which must be new. Phases of its ledger: forward, loss, backward, optimizer-step.
/// The state it starts from is that of the second step on: optimizer states exist.
void run_training_step(Machine& m, const Decoder& model, const TrainingPlan& plan, bool every_layer = false);

/// Asks the model's program for its parameters and puts them in memory: as they are, in the format they are computed
/// in, or as `stored` where that is given.
void declare_parameters(Machine& m, ModelRun& run, const Decoder& model, const Format* format, const std::vector<Alive>* stored = nullptr);

/// The parameters of the layers that are run, as the plan has them, in the order in which a step declares them.
std::vector<Parameter> parameters_of(const Decoder& model, const TrainingPlan& plan, bool every_layer = false);

// What steps of all models begin and end with.

/// Puts all declared weights in memory.
void add_weights(Machine& m);
/// With adapters nothing of the model itself is trained, and kernels are chosen; has to come before parameters are declared.
void freeze_base(Machine& m, const TrainingPlan& plan);
/// From here on operations are recorded, in the formats that autocast asks for.
void begin_forward(Machine& m, const TrainingPlan& plan);
/// Optimizer states, and gradients of earlier micro-batches.
void begin_step(Machine& m, const TrainingPlan& plan);
/// From the loss on: autocast is left, backward, the optimizer's step, gradients set to none.
void finish_step(Machine& m, const Schedule& schedule, int end_layer, const TrainingPlan& plan, Value loss);

}  // namespace gpumem
