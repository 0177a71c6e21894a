// What of a step is computed again, what waits in the host's memory, and formats that differ from what is implied.

#include <algorithm>

#include "architectures/common.hpp"
#include "estimate/scenario.hpp"
#include "training/optimizer.hpp"

namespace gpumem {
namespace {

/// Sub-layers with code of their own have no module of that kind.
bool has_plain_modules(const Decoder& model) {
  return std::none_of(model.layers.begin(), model.layers.end(), [](const DecoderLayer& l) {
    return l.mixer || l.order == DecoderLayer::Order::sums_inside || l.attention.form == AttentionLayer::Form::gptj;
  });
}

/// Routers that normalise the chosen weights in place. Source: [pytorch-checkpoint] _VersionWrapper
bool overwrites(const Decoder& model) {
  return std::any_of(model.layers.begin(), model.layers.end(), [](const DecoderLayer& l) { return l.experts && l.experts->normalised == ExpertsLayer::Normalised::in_place; });
}

void read_modules(Fields& how, const Document& names, Scenario& s) {
  TrainingScenario& t = s.training;
  bool known = names.is(Document::Kind::list) && !names.items().empty();
  for (const Document& name : names.items()) {
    const std::string word = name.is(Document::Kind::text) ? name.text() : "";
    if (word == "mlp") t.recomputed.mlp = true;
    else if (word == "attention" || word == "self_attn") t.recomputed.attention = true;
    else known = false;
  }
  if (!known) return how.report("modules", "unsupported", "must be a list of \"attention\" and \"mlp\": checkpoints of other modules are not computed yet");
  if (!has_plain_modules(*s.model)) how.report("modules", "unsupported", "this model's layers are not made of one attention and one MLP module");
  t.checkpointing = "modules";
}

}  // namespace

/// Source: [pytorch-checkpoint]; [torchtitan] distributed/activation_checkpoint.py
void read_checkpointing(Fields& f, Scenario& s) {
  TrainingScenario& t = s.training;
  const Document* given = f.value({"checkpointing"});
  const bool alone = s.engine == "torch" && s.model;
  if (given && given->is(Document::Kind::record)) {
    Fields how = f.record("checkpointing");
    if (!alone) return f.report("checkpointing", "unsupported", "checkpoints of several layers or of single modules are computed for decoders under torch");
    if (const Document* modules = how.value({"modules"})) {
      read_modules(how, *modules, s);
    } else {
      t.together = static_cast<int>(how.count({"every"}, std::nullopt, 1, most_layers));
      t.checkpointing = t.together > 1 ? "every" : "full";
    }
    return how.refuse_unknown();
  }
  t.checkpointing = f.word({"checkpointing"}, "none", {"none", "full", "selective", "offload"});
  /// Source: [transformers] models/albert/modeling_albert.py AlbertPreTrainedModel, without supports_gradient_checkpointing
  if (whole_engine && t.checkpointing == "full" && s.encoder_model && s.encoder_model->encoder.shared_by > 0)
    f.report("checkpointing", "unsupported", "transformers has no checkpoints for a model whose layers share their weights");
  /// Source: [transformers] models/convnext/modeling_convnext.py ConvNextPreTrainedModel, without it too;
  /// models/swin/modeling_swin.py SwinStage and SwinLayer are both checkpointed, one within the other
  if (whole_engine && t.checkpointing == "full" && s.encoder_model && s.encoder_model->staged)
    f.report("checkpointing", "unsupported", s.encoder_model->staged->kind == StagedNet::Kind::windows
                                                 ? "transformers checkpoints stages and the layers within them; checkpoints within checkpoints are not computed yet"
                                                 : "transformers has no checkpoints for this family");
  if (t.checkpointing == "none" || t.checkpointing == "full") return;
  if (!alone) f.report("checkpointing", "unsupported", text_of({quoted(t.checkpointing), " checkpointing is computed for decoders under torch"}));
  if (t.checkpointing == "selective" && s.model && s.engine == "torch" && overwrites(*s.model))
    f.report("checkpointing", "contradiction", "PyTorch refuses it for this model: its router changes in place what a selective checkpoint would keep");
  if (t.checkpointing == "selective")
    s.assumptions.push_back({"selective-policy", "Selective checkpointing as torchtitan does it: results of attention, of every second product with a weight and of all other matrix products are kept, everything else is computed again."});
  if (t.checkpointing == "offload")
    s.assumptions.push_back({"inputs-on-host", "What each layer's checkpoint begins with is copied to the host's memory in forward and back in backward."});
}

/// Source: [torchao] optim/cpu_offload.py CPUOffloadOptimizer; [pytorch-save-on-cpu]
void read_offload(Fields& f, Scenario& s) {
  TrainingScenario& t = s.training;
  if (!f.has("offload")) return;
  if (s.engine == "fsdp" || s.engine == "deepspeed") return read_sharded_offload(f, s);
  Fields offload = f.record("offload");
  t.offload.optimizer = offload.flag({"optimizer"}, false);
  t.offload.activations = offload.flag({"activations"}, false);
  if (offload.flag({"parameters"}, false)) offload.report("parameters", "unsupported", text_of({"weights that wait in the host's memory are not computed for ", s.engine}));
  offload.refuse_unknown();
  if (!t.offload.optimizer && !t.offload.activations) return;
  if (s.engine != "torch" || !s.model) return f.report("offload", "unsupported", "is computed for decoders under torch");
  const catalog::OptimizerRow* o = find_optimizer(t.optimizer);
  if (t.offload.optimizer && (t.optimizer_in_backward || (o && (o->block_elements > 0 || o->in_backward))))
    offload.report("optimizer", "contradiction", "cannot be used with an optimizer that runs in backward or keeps its states in blocks");
  if (t.offload.gradients && t.accumulation > 1)
    offload.report("optimizer", "contradiction", "offload_gradients does not go with gradient accumulation: gradients leave after each backward");
  if (t.offload.optimizer)
    s.assumptions.push_back({"optimizer-on-host", "The optimizer as torchao's CPUOffloadOptimizer runs it: a copy of each parameter of 4096 numbers or more, its gradient and its states lie in the host's memory."});
  if (t.offload.activations)
    s.assumptions.push_back({"saved-on-cpu", "What forward saves for backward goes to the host's memory tensor by tensor, as torch.autograd.graph.save_on_cpu does it, weights included."});
}

/// PyTorch gives gradients, states and residuals their parameter's or the model's format; saying so changes nothing.
void read_formats(Fields& f, Scenario& s) {
  TrainingScenario& t = s.training;
  const std::string own = t.method == "full" ? s.weights : t.lora.format;
  const std::string computed = t.precision == "bf16-amp" ? "bf16" : t.precision == "fp16-amp" ? "fp16" : s.weights;
  const std::pair<std::string_view, std::string> implied[] = {{"gradientFormat", own}, {"optimizerFormat", own}, {"residualFormat", computed}};
  for (const auto& [name, usual] : implied) {
    if (!f.value({name})) continue;
    const std::string given = f.text({name}, usual);
    if (given == usual) continue;
    const catalog::OptimizerRow* o = find_optimizer(t.optimizer);
    const bool states = name == "optimizerFormat" && s.engine == "torch" && o && o->matrices.empty() && o->block_elements == 0;
    if (states && (given == "fp32" || given == "bf16" || given == "fp16")) {
      t.state_format = given;
      s.assumptions.push_back({"state-format", text_of({"The optimizer's states are counted in ", given, ", as in AdamW variants that let one choose; the step's temporaries as without."})});
      continue;
    }
    f.report(name, "unsupported", text_of({"is ", usual, " here; another one is not computed yet"}));
  }
}

}  // namespace gpumem
