#include "estimate/stack_names.hpp"

#include <algorithm>

namespace gpumem {
namespace {

struct Row {
  std::string_view model_type;
  Adaptation::StackNames names;
};
constexpr auto projections = Adaptation::StackNames::projections, numbers = Adaptation::StackNames::numbers;

/// Types whose experts were linears before they were stacked; others' stacks are reached by no name of a module.
/// Source: [peft] utils/transformers_weight_conversion.py _MODEL_TO_CONVERSION_PATTERN; [transformers] conversion_mapping.py
constexpr Row known[] = {
    {"mixtral", numbers}, {"minimax", numbers}, {"minimax_m2", numbers},
    {"deepseek_v2", projections}, {"deepseek_v3", projections}, {"dots1", projections}, {"ernie4_5_moe", projections},
    {"glm4_moe", projections}, {"glm4_moe_lite", projections}, {"solar_open", projections}, {"qwen3_moe", projections},
    {"qwen3_next", projections}, {"hunyuan_v1_moe", projections}, {"olmoe", projections}, {"exaone_moe", projections},
};

bool named(const LoraScenario& lora, std::string_view name) {
  return std::find(lora.targets.begin(), lora.targets.end(), name) != lora.targets.end();
}

}  // namespace

Adaptation::StackNames stack_names(const Scenario& s) {
  const Document* type = s.config ? s.config->find("model_type") : nullptr;
  if (!type || !type->is(Document::Kind::text)) return Adaptation::StackNames::none;
  const auto* row = std::find_if(std::begin(known), std::end(known), [&](const Row& n) { return n.model_type == type->text(); });
  return row == std::end(known) ? Adaptation::StackNames::none : row->names;
}

/// Source: [peft] utils/transformers_weight_conversion.py _convert_peft_config_moe; tuners/lora/layer.py ParamWrapper.__init__
std::optional<Issue> refused_stacks(const Scenario& s) {
  const LoraScenario& lora = s.training.lora;
  const bool adapted = s.task == Task::training && (s.training.method == "lora" || s.training.method == "dora" || s.training.method == "qlora");
  if (!adapted || (lora.kind != "lora" && lora.kind != "rslora") || s.training.transformers_version < stacked_from || s.weights.starts_with("gptq-")) return std::nullopt;
  const auto names = stack_names(s);
  if (names == Adaptation::StackNames::none) return std::nullopt;
  const std::string_view gate = names == numbers ? "w1" : "gate_proj", up = names == numbers ? "w3" : "up_proj", down = names == numbers ? "w2" : "down_proj";
  const bool all = named(lora, "all-linear");
  if (!all && named(lora, gate) != named(lora, up))
    return Issue{"training.lora.targets", "contradiction", text_of({"this model's experts have ", gate, " and ", up, " in one matrix: peft takes both names or neither"})};
  if (!all && !named(lora, gate) && !named(lora, down) && !named(lora, "gate")) return std::nullopt;
  if (s.training.method == "dora") return Issue{"training.method", "unsupported", "peft has no DoRA for matrices of stacked experts, which these targets name"};
  if (lora.dropout > 0) return Issue{"training.lora.dropout", "unsupported", "peft has no dropout for matrices of stacked experts, which these targets name"};
  return std::nullopt;
}

}  // namespace gpumem
