// The form as a scenario, and a scenario as a form.
import { idOf } from "../catalog/named";
import type { Catalog, Scenario } from "../engine/types";
import { countOrText, parametersOrText } from "../format/counts";
import { parseJson } from "../import/json";
import { fields, otherTargets, shownFields, targetChoices, targetsKey, type Field } from "./fields";
import { type Form, previewOf, startForm } from "./form";
import { isTree, setAt, takeAt, valueAt } from "./paths";

/** Throws UnreadableJson where the text of the configuration is no JSON. */
export function scenarioOf({ values, rest }: Form, { models, gpus }: Catalog): Scenario {
  const scenario: Record<string, unknown> = structuredClone(rest);
  setAt(scenario, `model.${values["model.by"]}`, modelOf(values, models));
  scenario.task = values.task;
  for (const field of shownFields(values)) {
    const text = values[field.key]?.trim();
    if (text && text !== otherTargets) setAt(scenario, field.path, typed(field, text));
  }
  const hardware = values["hardware.by"];
  const named = nameOf(values, `hardware.${hardware}`, hardware === "gpu" ? gpus : {});
  if (named) setAt(scenario, `hardware.${hardware}`, named);
  return scenario as unknown as Scenario;
}

function modelOf(values: Form["values"], models: Catalog["models"]): unknown {
  if (values["model.by"] === "config") return configOf(values["model.config"] ?? "");
  if (values["model.by"] === "parameters") return parametersOrText(values["model.parameters"] ?? "");
  return nameOf(values, "model.id", models);
}

const nameOf = (values: Form["values"], path: string, rows: Record<string, object>) => values[previewOf(path)] || idOf(values[path] ?? "", rows);

// One text is read again for every other field that changes; the last one is kept.
let last = { text: "", config: undefined as unknown };
function configOf(text: string): unknown {
  if (text !== last.text || last.config === undefined) last = { text, config: parseJson(text) };
  return last.config;
}

function typed(field: Field, text: string): unknown {
  if (field.kind === "count" || field.kind === "number") return countOrText(text);
  if (field.kind === "names") return namesIn(text);
  return field.kind === "flag" ? text === "true" : text;
}

/** What no field can show stays in `rest`, so that the core still sees it, and says so where it is wrong. */
export function formOf(scenario: Record<string, unknown>, first: Catalog): Form {
  const rest = structuredClone(scenario);
  delete rest.detail;
  const { values } = startForm(first);
  values.task = takeAt(rest, "task") ?? "inference";
  takeModel(rest, values);
  for (const by of ["gpu", "memory"]) {
    const named = takeAt(rest, `hardware.${by}`);
    if (named === undefined) continue;
    values["hardware.by"] = by;
    // A bare number is bytes in a scenario; a text needs its unit.
    values[`hardware.${by}`] = by === "memory" && /^\d+$/.test(named) ? `${named} B` : named;
  }
  if (!isTree(scenario.hardware)) Object.assign(values, { "hardware.by": "memory", "hardware.memory": "" });
  takeTargets(rest, values);
  const weights = values.task === "training" ? "amp.weights" : values["model.by"] === "parameters" ? "count.weights" : "weights";
  for (const { key, path } of fields) {
    if (key === "engine.name" && (values.task !== "inference" || values["model.by"] === "parameters")) continue;
    const text = path === "weights" && key !== weights ? undefined : takeAt(rest, path);
    if (text !== undefined) values[key] = text;
  }
  // No field says this, but the method does.
  if (values["training.method"] === "qlora" && values["amp.weights"] && values["amp.weights"] !== "nf4-dq") rest.weights = values["amp.weights"];
  if (values["training.method"] === "qlora") delete values["amp.weights"];
  return { values, rest };
}

const namesIn = (text: string) => text.split(/[\s,]+/).filter(Boolean);

/** The modules with adapters: one of the menu's choices, or names. */
function takeTargets(rest: Record<string, unknown>, values: Form["values"]): void {
  const names = valueAt(rest, "training.lora.targets");
  if (!Array.isArray(names)) return;
  const text = names.join(", ");
  if (names.length === 0 || JSON.stringify(namesIn(text)) !== JSON.stringify(names)) return;
  setAt(rest, "training.lora.targets", text);
  takeAt(rest, "training.lora.targets");
  if (targetChoices.includes(text)) values[targetsKey] = text;
  else Object.assign(values, { [targetsKey]: otherTargets, "lora.names": text });
}

function takeModel(rest: Record<string, unknown>, values: Form["values"]): void {
  const config = valueAt(rest, "model.config");
  const id = takeAt(rest, "model.id");
  if (id !== undefined) {
    values["model.id"] = id;
  } else if (isTree(config)) {
    values["model.by"] = "config";
    values["model.config"] = JSON.stringify(config, null, 2);
    delete (rest.model as Record<string, unknown>).config;
  } else {
    const parameters = takeAt(rest, "model.parameters");
    values["model.by"] = parameters === undefined ? "id" : "parameters";
    values["model.parameters"] = parameters ?? "";
    if (parameters === undefined) values["model.id"] = "";
  }
}
