// PEFT's adapter_config.json: which adapters are trained, and on what.
// Source: peft/tuners/lora/config.py
import type { Tree } from "../commands/flag";
import { idOf } from "../catalog/named";
import type { Given } from "./given";
import { Unreadable } from "./source";

/** Fields that change what is kept, and that no scenario says. */
const unsaid = ["rank_pattern", "layers_to_transform", "layer_replication", "target_parameters", "trainable_token_indices", "exclude_modules"];
const isEmpty = (value: unknown) => value === undefined || value === null || value === false || (typeof value === "object" && Object.keys(value as object).length === 0);

export const isAdapter = (json: Tree) => "peft_type" in json;

export function readAdapter(json: Tree, models: Record<string, object>): Given {
  if (json.peft_type !== "LORA") throw new Unreadable(`The adapter is of the type ${String(json.peft_type).slice(0, 40)}; LoRA and DoRA are computed.`);
  const lora: Tree = {};
  const notes: string[] = [];
  if (json.r !== undefined) lora.rank = json.r;
  if (json.lora_dropout !== undefined) lora.dropout = json.lora_dropout;
  const targets = json.target_modules;
  if (Array.isArray(targets)) lora.targets = targets;
  else if (targets === "all-linear") lora.targets = [targets];
  else if (targets) notes.push("target_modules is a pattern, which is not read: type the modules' names.");
  if (Array.isArray(json.modules_to_save) && json.modules_to_save.length > 0) lora.modulesToSave = json.modules_to_save;
  const named = unsaid.filter((field) => !isEmpty(json[field]));
  if (json.bias !== undefined && json.bias !== "none") named.push("bias");
  if (named.length > 0) notes.push(`Not counted: ${named.join(", ")}.`);
  const base = typeof json.base_model_name_or_path === "string" ? json.base_model_name_or_path : "";
  const id = idOf(base, models);
  const known = Object.hasOwn(models, id);
  if (base && !known) notes.push(`Its base, ${base.slice(0, 100)}, is not in the catalog: the model stays as it is.`);
  return { name: "adapter_config.json", ...(known && { model: { id } }), scenario: { task: "training", training: { method: json.use_dora === true ? "dora" : "lora", lora } }, notes };
}
