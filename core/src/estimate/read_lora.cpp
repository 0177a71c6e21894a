#include "architectures/common.hpp"
#include "estimate/scenario.hpp"

namespace gpumem {
namespace {

std::vector<std::string> read_names(Fields& f, std::string_view name, std::vector<std::string> absent) {
  const Document* given = f.value({name});
  if (!given) return absent;
  std::vector<std::string> names;
  bool words = given->is(Document::Kind::list);
  for (const Document& item : given->items()) {
    words = words && item.is(Document::Kind::text) && !item.text().empty();
    names.push_back(item.text());
  }
  if (!words || names.size() > 1000) f.report(name, "wrong-type", "must be a list of names of modules, such as [\"q_proj\", \"v_proj\"]");
  return names;
}

bool changes_weight(const std::string& kind) { return kind == "loha" || kind == "lokr"; }

}  // namespace

/// Source: [peft] tuners/lora/config.py LoraConfig, tuners/{ia3,vera,loha,lokr,oft}/config.py; adapters of a 16-bit model are made in fp32 unless told otherwise
void read_lora(Fields& f, LoraScenario& l) {
  l.kind = f.word({"kind"}, "lora", {"lora", "rslora", "ia3", "vera", "loha", "lokr", "oft"});   // rsLoRA is another factor, and no other tensor
  l.rank = f.count({"rank"}, l.kind == "vera" ? 256 : changes_weight(l.kind) ? 8 : 16, 1, 1 << 16);
  l.block = f.count({"blockSize"}, l.block, 2, 1 << 12);
  if (l.kind == "ia3") l.targets = {"k_proj", "v_proj", "down_proj"};
  l.targets = read_names(f, "targets", l.targets);
  if (l.targets.empty()) f.report("targets", "missing", "must name at least one module");
  l.dropout = f.number({"dropout"}, 0, 0, 1);
  if (l.dropout > 0 && (changes_weight(l.kind) || l.kind == "oft")) f.report("dropout", "unsupported", text_of({"peft drops rows, blocks or whole adapters for ", l.kind, "; that is not computed yet"}));
  l.format = f.word({"format"}, "fp32", {"fp32", "bf16", "fp16"});
  l.modules_to_save = read_names(f, "modulesToSave", {});
  for (const std::string& module : l.modules_to_save)
    if (module != "lm_head") f.report("modulesToSave", "unsupported", text_of({quoted(module), " is not computed yet; lm_head is"}));
  f.refuse_unknown();
}

/// Source: [litgpt] finetune/lora.py lora_query, lora_key, lora_value
void name_parts(LoraScenario& l) {
  std::vector<std::string> targets;
  for (std::string& target : l.targets) {
    const bool joint = target == "qkv_proj" || target == "query_key_value" || target == "c_attn" || target == "attn";
    if (!joint) targets.push_back(std::move(target));
    if (joint && l.query) targets.push_back("q_proj");
    if (joint && l.key) targets.push_back("k_proj");
    if (joint && l.value) targets.push_back("v_proj");
  }
  l.targets = std::move(targets);
}

/// Positions that have a table of their own would need rows for the prompt too.
/// Source: [peft] tuners/prompt_tuning/config.py PromptTuningConfig
void read_soft_prompt(Fields& training, Scenario& s) {
  TrainingScenario& t = s.training;
  t.virtual_tokens = training.count({"virtualTokens"}, t.virtual_tokens, 1, 1 << 16);
  const auto refuse = [&](std::string_view why) { training.report("method", "unsupported", text_of({"prompt tuning is computed for decoders under torch", why})); };
  if (!s.model || s.engine != "torch") return refuse("");
  if (s.model->learned_positions > 0 || s.model->fixed_positions > 0 || s.model->classes > 0) refuse(" that have no table of positions and no classes");
  if (training.has("rl")) refuse(", without rl");
}

}  // namespace gpumem
