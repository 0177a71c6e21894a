// Options of trainings whose parameters are spread over ranks, by the names that PyTorch and accelerate give them.
#include <cmath>

#include "estimate/scenario.hpp"

namespace gpumem {
namespace {

/// A number format by the name of its torch dtype.
std::string read_dtype(Fields& options, std::string_view name) {
  const std::string dtype = options.word({name}, "", {"float32", "bfloat16", "float16"});
  if (dtype.empty()) return "";
  return dtype == "float32" ? "fp32" : dtype == "bfloat16" ? "bf16" : "fp16";
}

std::string dtype_of(std::string_view format) {
  return format == "fp32" ? "float32" : format == "bf16" ? "bfloat16" : "float16";
}

}  // namespace

/// Source: [pytorch-ddp] torch/nn/parallel/distributed.py; [accelerate] utils/dataclasses.py GradientAccumulationPlugin
static void read_data_parallel(Fields& options, ShardingScenario& o) {
  o.bucket_mib = options.count({"bucket_cap_mb", "ddp_bucket_cap_mb"}, o.bucket_mib, 1, 1 << 20);
  o.bucket_views = options.flag({"gradient_as_bucket_view"}, false);
  o.finds_unused = options.flag({"find_unused_parameters", "ddp_find_unused_parameters"}, false);
  o.synchronised = options.flag({"sync_each_batch"}, false);
}

/// Source: [transformers] modeling_utils.py gradient_checkpointing_enable: reentrant until 5
static void read_reentrant(Fields& options, Scenario& s) {
  constexpr int not_reentrant = 5000;
  s.training.sharding.reentrant = options.flag({"activation_checkpoint_reentrant"}, s.training.transformers_version < not_reentrant);
  if (s.training.sharding.reentrant) s.engine_options.set("activation_checkpoint_reentrant", true);
}

void read_sharding_options(Fields& options, Scenario& s) {
  if (s.engine == "torch" && s.task == Task::training) read_data_parallel(options, s.training.sharding);
  if (s.engine == "torch" || s.engine == "deepspeed") read_reentrant(options, s);
  if (s.engine == "deepspeed") read_zero_options(options, s);
  if (s.engine != "fsdp") return;
  s.training.sharding.synchronised = options.flag({"sync_each_batch"}, true);
  s.training.sharding.offload_parameters = options.flag({"cpu_offload", "offload_params", "fsdp_offload_params"}, false);
  s.training.sharding.pinned = options.flag({"pin_memory"}, true);
  s.training.sharding.gathered = read_dtype(options, "mixed_precision_param");
  s.training.sharding.reduced = read_dtype(options, "mixed_precision_reduce");
  s.layout.fsdp_version = static_cast<int>(options.count({"fsdp_version"}, 2, 1, 2));
  if (s.layout.fsdp_version != 1) return;
  read_reentrant(options, s);
  s.layout.backward_prefetch = options.word({"backward_prefetch"}, "BACKWARD_PRE", {"BACKWARD_PRE", "BACKWARD_POST"}) == "BACKWARD_PRE" ? "pre" : "post";
}

/// Version 1 gathers and scatters in the format of autocast, or as the parameters are.
/// Source: [accelerate] utils/dataclasses.py FullyShardedDataParallelPlugin.set_mixed_precision;
/// [pytorch-fsdp1] _init_utils.py _init_param_handle_from_params, _flat_param.py _init_param_reduce_dtypes
static void complete_flat(ShardingScenario& o, const Scenario& s) {
  const std::string& precision = s.training.precision;
  if (o.gathered.empty()) o.gathered = precision == "bf16-amp" || (precision == "bf16" && s.weights == "fp32") ? "bf16" : precision == "fp16-amp" ? "fp16" : "";
  if (o.reduced.empty()) o.reduced = o.gathered;
}

/// What a rank's step is otherwise: nothing is left out of what the engine says.
static void complete_data_parallel(Fields& request, Scenario& s) {
  const ShardingScenario& o = s.training.sharding;
  s.engine_options.set("bucket_cap_mb", o.bucket_mib);
  s.engine_options.set("gradient_as_bucket_view", o.bucket_views);
  s.engine_options.set("find_unused_parameters", o.finds_unused);
  s.engine_options.set("sync_each_batch", o.synchronised);
  if (!s.model && !s.encoder_model) request.report("model", "unsupported", "several data-parallel ranks are computed for models with a program of their own");
  const auto no = [&](const char* path, std::string_view what) {
    request.report(path, "unsupported", text_of({what, " is not computed for several data-parallel ranks so far"}));
  };
  if (s.training.optimizer_in_backward) no("training.optimizerInBackward", "a step inside backward");
  if (s.training.offload.optimizer) no("training.offload.optimizer", "an optimizer in the host's memory");
  if (s.training.rl) no("training.rl", "training by preferences or rewards");
  else if (s.model && s.model->classes > 0) no("model", "training of a classifier");
}

/// Whether every linear of a layer can be split, and nothing else in it sees what other ranks have.
static bool splits(const DecoderLayer& l) {
  const bool order = l.order == DecoderLayer::Order::sequential || l.order == DecoderLayer::Order::sandwich;
  const bool whole_norm = l.attention.qk_norm && l.attention.qk_norm_place == AttentionLayer::QkNorm::whole;
  return order && !l.experts && !l.mixer && !l.attention.latent && l.attention.form == AttentionLayer::Form::shared && !whole_norm &&
         l.attention.projection == AttentionLayer::Projection::separate && l.own_input == 0 && l.attention.keys == AttentionLayer::Keys::own;
}

/// Source: [torchtitan] components/float8.py Float8LinearConverter: torchao's linears in place of all but the head
static void complete_float8(Fields& request, Scenario& s) {
  if (s.layout.fsdp_version == 1 || s.training.method != "full")
    request.report("training.precision", "unsupported", "\"fp8\" is computed for full training under version 2 of fsdp");
  s.assumptions.push_back({"products-in-8-bits", "Linears of the layers cast their operands to 8 bits for each product, in kernels that torch.compile fuses; weights are gathered, and inputs kept for backward, in 16 bits."});
}

/// Ranks that share linears, inside those that share data: torchtitan's plan, which splits the sequence between linears and
/// the classes of the loss. Source: [torchtitan] models/llama3/parallelize.py apply_tp
static void complete_tensor_ranks(Fields& request, const Scenario& s) {
  const double ranks = s.layout.tensor;
  const auto no = [&](const char* path, std::string_view what) {
    request.report(path, "unsupported", text_of({what, " is not computed where linears are split (parallel.tensor) under fsdp"}));
  };
  if (s.layout.fsdp_version == 1) no("parallel.fsdp.version", "version 1");
  if (!s.layout.sequence_parallel) no("parallel.sequenceParallel", "a sequence that is whole between linears");
  if (s.training.method != "full") no("training.method", "an adapter");
  if (s.training.rl) no("training.rl", "training by preferences or rewards");
  if (s.training.loss.kind != LossPlan::Kind::full) no("training.crossEntropy", "any loss but \"full\"");
  if (s.training.fused.norm || s.training.fused.rotary || s.training.fused.gated) no("training.kernels", "a set of fused kernels");
  if (s.reader) no("training.images", "an image");
  if (!s.model) return;
  const auto uneven = [&](const char* path, double count, std::string_view what) {
    if (std::fmod(count, ranks) != 0) request.report(path, "contradiction", text_of({"must divide the ", number_text(count), " ", what}));
  };
  for (const DecoderLayer& l : s.model->layers)
    if (!splits(l)) return no("model", "a layer other than plain attention and a plain MLP behind norms");
  const DecoderLayer& first = s.model->layers[0];
  uneven("parallel.tensor", first.attention.heads, "attention heads");
  uneven("parallel.tensor", first.attention.kv_heads, "heads of keys and values");
  uneven("parallel.tensor", first.mlp.width, "columns of an MLP");
  uneven("parallel.tensor", s.model->vocabulary, "words of the vocabulary");
  uneven("parallel.tensor", s.training.sequence_tokens, "tokens of a sequence");
}

/// Source: [pytorch-fsdp2] torch/distributed/fsdp/_fully_shard/_fsdp_api.py MixedPrecisionPolicy
void complete_sharding(Fields& request, Scenario& s) {
  if (s.engine == "torch" && s.layout.data > 1) return complete_data_parallel(request, s);
  if (s.engine == "deepspeed") return complete_zero(request, s);
  if (s.engine != "fsdp") return;
  ShardingScenario& o = s.training.sharding;
  const bool mixed = s.training.precision == "bf16" || s.training.precision == "fp8";
  const bool flat = s.layout.fsdp_version == 1;
  if (flat) {
    complete_flat(o, s);
    s.engine_options.set("activation_checkpoint_reentrant", o.reentrant);
    s.engine_options.set("backward_prefetch", s.layout.backward_prefetch == "pre" ? "BACKWARD_PRE" : "BACKWARD_POST");
  } else {
    if (o.gathered.empty()) o.gathered = mixed ? "bf16" : s.weights;
    if (o.reduced.empty()) o.reduced = "fp32";
  }
  if (!o.gathered.empty()) s.engine_options.set("mixed_precision_param", dtype_of(o.gathered));
  if (!o.reduced.empty()) s.engine_options.set("mixed_precision_reduce", dtype_of(o.reduced));
  s.engine_options.set("sync_each_batch", o.synchronised);
  s.engine_options.set("cpu_offload", o.offload_parameters);
  if (o.offload_parameters) s.engine_options.set("pin_memory", o.pinned);
  s.engine_options.set("fsdp_version", static_cast<double>(s.layout.fsdp_version));
  const auto no = [&](const char* path, std::string_view what) {
    request.report(path, "unsupported", text_of({what, " is not computed for fsdp so far"}));
  };
  if (!s.model) no("model", "a model without a program of a decoder");
  if (s.training.optimizer_in_backward) no("training.optimizerInBackward", "a step inside backward");
  if (s.training.method == "qlora" && !flat) no("training.method", "a base in 4 bits");
  if (s.training.precision == "fp8") complete_float8(request, s);
  if (s.layout.tensor > 1) complete_tensor_ranks(request, s);
}

Document parallel_document(std::string_view engine, const RankLayout& l) {
  if (engine == "torch") return Document::record({{"data", l.data}});
  if (engine == "deepspeed") return Document::record({{"data", l.data}, {"zero", static_cast<double>(l.zero)}});
  return Document::record({{"data", l.data},
                           {"tensor", l.tensor},
                           {"sequenceParallel", l.sequence_parallel},
                           {"zero", static_cast<double>(l.zero)},
                           {"shardGroup", l.shard_group},
                           {"fsdp", Document::record({{"version", static_cast<double>(l.fsdp_version)},
                                                      {"reshardAfterForward", l.reshard_after_forward},
                                                      {"backwardPrefetch", l.backward_prefetch}})}});
}

}  // namespace gpumem
