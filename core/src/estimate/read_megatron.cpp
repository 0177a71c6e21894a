// Megatron-LM's options, by the names they have in its own configuration.

#include <cmath>

#include "estimate/scenario.hpp"
#include "training/optimizer.hpp"

namespace gpumem {
namespace {

using megatron::ContextExchange;

/// An option that is read is echoed.
struct Options {
  Fields& fields;
  Document& echo;
  bool flag(std::string_view name, bool absent) {
    const bool on = fields.flag({name}, absent);
    echo.set(name, on);
    return on;
  }
  std::string word(std::string_view name, std::string_view absent, Names accepted) {
    const std::string chosen = fields.word({name}, absent, accepted);
    echo.set(name, chosen);
    return chosen;
  }
  double count(std::string_view name, double absent, double low, double high) {
    const double given = fields.count({name}, absent, low, high);
    if (given > 0) echo.set(name, given);
    return given;
  }
};

const Format* format_named(const std::string& name) {
  if (name == "fp32" || name == "float32") return fp32;
  return name == "fp16" || name == "float16" ? fp16 : bf16;
}

constexpr double most_layers = 1 << 16;

void read_recompute(Options& o, Scenario& s) {
  megatron::Recompute& r = s.megatron.recompute;
  const std::string granularity = o.fields.word({"recompute_granularity"}, "", {"", "full", "selective"});
  const std::string method = o.fields.word({"recompute_method"}, "uniform", {"uniform", "block"});
  const double layers = o.fields.count({"recompute_num_layers"}, 1, 0, most_layers);
  s.megatron.whole_layers = granularity == "full";
  if (method == "block") r.first_layers = layers;
  r.whole_layers = std::fmax(1, layers);
  const Document* modules = o.fields.value({"recompute_modules"});
  if (modules) read_megatron_modules(o.fields, "recompute_modules", *modules, s);
  else if (granularity == "selective") r.attention = true;
}

void read_experts(Options& o, MegatronOptions& m) {
  o.word("moe_token_dispatcher_type", "alltoall", {"alltoall", "flex", "allgather"});
  m.router = format_named(o.word("moe_router_dtype", "bf16", {"bf16", "fp32", "fp64"}));
  m.spread.capacity = o.fields.number({"moe_expert_capacity_factor"}, 0, 0, 1e6);
  m.spread.padded = o.flag("moe_pad_expert_input_to_capacity", false);
  if (m.spread.capacity > 0) o.echo.set("moe_expert_capacity_factor", m.spread.capacity);
  m.shared_overlapped = o.flag("moe_shared_expert_overlap", false);
  m.balance_loss = o.fields.number({"moe_aux_loss_coeff"}, 0, 0, 1e9) > 0;
  m.spread.expert_tensor = o.count("expert_tensor_parallel_size", 1, 1, 1 << 20);
}

void read_optimizer(Options& o, MegatronOptions& m) {
  // Two names for one thing: the engine's argument and the field of its configuration.
  const bool wide = o.fields.flag({"grad_reduce_in_fp32"}, true);
  m.wide_gradients = o.fields.flag({"accumulate_allreduce_grads_in_fp32"}, wide);
  m.precision_aware = o.flag("use_precision_aware_optimizer", false);
  const auto named = [&](std::string_view option) { return format_named(o.fields.word({option}, "fp32", {"fp32", "bf16", "fp16", "float32", "bfloat16", "float16"})); };
  if (named("main_grads_dtype") != fp32) m.wide_gradients = false;
  const Format* first = named("exp_avg_dtype");
  const Format* second = named("exp_avg_sq_dtype");
  if (m.precision_aware) {
    m.moments[0] = first, m.moments[1] = second;
    o.echo.set("exp_avg_dtype", first->id);
    o.echo.set("exp_avg_sq_dtype", second->id);
  }
  o.echo.set("grad_reduce_in_fp32", m.wide_gradients);
}

}  // namespace

/// Source: [megatron-lm] megatron/core/transformer/transformer_config.py recompute_modules
void read_megatron_modules(Fields& fields, std::string_view name, const Document& modules, Scenario& s) {
  megatron::Recompute& r = s.megatron.recompute;
  const struct {
    std::string_view name;
    bool& chosen;
  } known[] = {{"core_attn", r.attention}, {"mla_up_proj", r.up_projection}, {"mlp", r.mlp}, {"moe", r.moe},
               {"shared_experts", r.shared_experts}, {"moe_act", r.expert_activation}, {"layernorm", r.norms}};
  bool fits = modules.is(Document::Kind::list);
  if (fits)
    for (const Document& one : modules.items()) {
      bool found = false;
      for (const auto& row : known)
        if (one.is(Document::Kind::text) && one.text() == row.name) row.chosen = found = true;
      fits = fits && found;
    }
  if (!fits) return fields.report(name, "unknown-word", "must be a list of core_attn, mla_up_proj, mlp, moe, shared_experts, moe_act and layernorm");
  Document echo = Document::list();
  for (const Document& one : modules.items()) echo.push(one);
  s.engine_options.set("recompute_modules", std::move(echo));
}

void read_megatron_options(Fields& fields, Scenario& s) {
  Options o{fields, s.engine_options};
  MegatronOptions& m = s.megatron;
  o.word("transformer_impl", "transformer_engine", {"transformer_engine"});
  const bool fused = o.flag("cross_entropy_loss_fusion", true);
  const bool engine = o.word("cross_entropy_fusion_impl", "te", {"te", "native"}) == "te";
  using Loss = megatron::Share::Loss;
  m.loss = !fused ? Loss::unfused : engine ? Loss::engine : Loss::native;
  m.fused_activation = o.flag("bias_swiglu_fusion", true);
  const std::string exchange = o.word("cp_comm_type", "p2p", {"p2p", "a2a", "all_gather", "a2a+p2p"});
  m.exchange = exchange == "a2a" ? ContextExchange::all_to_all : exchange == "all_gather" ? ContextExchange::all_gather : ContextExchange::ring;
  m.spread.first_layers = o.count("num_layers_in_first_pipeline_stage", 0, 1, most_layers);
  m.spread.last_layers = o.count("num_layers_in_last_pipeline_stage", 0, 1, most_layers);
  m.spread.embedding_counts = o.flag("account_for_embedding_in_pipeline_split", false);
  m.spread.head_counts = o.flag("account_for_loss_in_pipeline_split", false);
  m.spread.vocabulary_multiple = o.count("make_vocab_size_divisible_by", 128, 1, 1 << 20);
  s.megatron.sharded = fields.flag({"use_distributed_optimizer"}, false);
  read_recompute(o, s);
  read_experts(o, m);
  read_optimizer(o, m);
  // Which change no size that is counted here, or follow from the model.
  for (const std::string_view known : {"moe_grouped_gemm", "moe_permute_fusion", "qk_layernorm", "apply_rope_fusion"}) fields.value({known});
}

/// "full" computes each layer again, "selective" the core of attention unless modules are named.
void read_megatron_checkpointing(Fields& f, Scenario& s) {
  megatron::Recompute& r = s.megatron.recompute;
  const Document* given = f.value({"checkpointing"});
  std::string& chosen = s.training.checkpointing;
  if (given && given->is(Document::Kind::record)) {
    Fields how = f.record("checkpointing");
    if (const Document* modules = how.value({"modules"})) {
      read_megatron_modules(how, "modules", *modules, s);
      chosen = "selective";
    } else {
      r.whole_layers = how.count({"every"}, std::nullopt, 1, most_layers);
      s.engine_options.set("recompute_num_layers", r.whole_layers);
      chosen = "full";
    }
    return how.refuse_unknown();
  }
  chosen = f.word({"checkpointing"}, s.megatron.whole_layers ? "full" : "none", {"none", "full", "selective"});
  if (s.megatron.whole_layers && chosen == "none") chosen = "full";
  if (chosen == "selective" && !s.engine_options.find("recompute_modules")) r.attention = true;
}

/// Weights are in the format that is computed in; main weights are the optimizer's.
void read_megatron_weights(Fields& f, Scenario& s, bool given) {
  const TrainingScenario& t = s.training;
  const std::string_view implied = t.precision == "megatron-fp16" ? "fp16" : "bf16";
  if (!given) s.weights = implied;
  if (s.weights != implied) f.report("precision", "contradiction", text_of({quoted(t.precision), " trains weights stored in ", implied, ", not in ", s.weights}));
  if (t.method != "full") f.report("method", "unsupported", "adapters are not computed for megatron so far");
  if (const catalog::OptimizerRow* o = find_optimizer(t.optimizer); o && !o->matrices.empty())
    f.report("optimizer", "unsupported", text_of({quoted(t.optimizer), " is not computed for megatron so far"}));
}

/// What does not go together. Source: [megatron-lm] megatron/training/arguments.py validate_args
void check_megatron(Fields& request, Scenario& s) {
  const auto refuse = [&](std::string_view path, std::string message) { request.report(path, "contradiction", std::move(message)); };
  RankLayout& l = s.layout;
  if (s.megatron.sharded) l.zero = std::max(l.zero, 1);
  if (!s.model) return request.report("engine.name", "unsupported", "megatron is computed for decoders with a program of their own");
  const auto usual = [](const DecoderLayer& layer) {
    using Order = DecoderLayer::Order;
    return (layer.order == Order::sequential || layer.order == Order::kept_attention || layer.order == Order::kept_all || layer.order == Order::kept_output) && !layer.mixer && !layer.cross;
  };
  const double tensor = l.tensor;
  double experts = 0, heads = tensor;
  for (const DecoderLayer& layer : s.model->layers) {
    if (!usual(layer)) return request.report("engine.name", "unsupported", "megatron is computed for layers of attention, then an MLP or experts, each behind its norm");
    if (layer.experts) experts = layer.experts->experts;
    if (std::fmod(layer.attention.heads, tensor) != 0) heads = layer.attention.heads;
  }
  const double layers = static_cast<double>(s.model->layers.size()), chunks = l.pipeline * l.virtual_stages;
  if (std::fmod(heads, tensor) != 0) refuse("parallel.tensor", text_of({"must divide the ", number_text(heads), " attention heads"}));
  if (chunks > layers) refuse("parallel.pipeline", text_of({"must leave every stage a layer: the model has ", number_text(layers)}));
  if (l.expert > 1 && (experts == 0 || std::fmod(experts, l.expert) != 0))
    refuse("parallel.expert", experts > 0 ? text_of({"must divide the ", number_text(experts), " experts"}) : "the model has no experts");
  const double ranks = l.data * l.context * tensor, parts = l.expert * s.megatron.spread.expert_tensor;
  if (l.expert > 1 && std::fmod(ranks, parts) != 0)
    refuse("parallel.expert", text_of({"lies inside data × tensor × context: ", number_text(parts), " must divide ", number_text(ranks)}));
  if (tensor > 1 && experts > 0 && !l.sequence_parallel) refuse("parallel.sequenceParallel", "experts under tensor parallelism need it");
  if (l.zero > 1) request.report("parallel.zero", "unsupported", "megatron's distributed optimizer is zero 1");
  if (l.virtual_stages > 1 && l.pipeline == 1) refuse("parallel.virtualStages", "needs a pipeline");
  if (l.schedule == "zbv" && (l.pipeline == 1 || l.virtual_stages != 2)) refuse("parallel.virtualStages", "must be 2 under zbv, in a pipeline");
  if (l.schedule == "dualpipe") request.report("parallel.schedule", "unsupported", "is not computed for megatron so far");
  const double spread = s.megatron.spread.first_layers + s.megatron.spread.last_layers;
  if (spread > layers || (spread > 0 && l.virtual_stages > 1)) request.report("engine.options", "unsupported", "layers of the first and the last stage are read for pipelines without virtual stages");
  if (tensor == 1) l.sequence_parallel = false;
}

}  // namespace gpumem
