// The form as a scenario, and a scenario as a form.
import { idOf } from "../catalog/named";
import type { Catalog, Scenario } from "../engine/types";
import { countOrText, parametersOrText } from "../format/counts";
import { type Field, methodKey } from "./field";
import { fields, shownFields } from "./fields";
import { type Form, previewOf, startForm } from "./form";
import { cacheValuesKey } from "./inference_fields";
import { isTree, setAt, takeAt, valueAt } from "./paths";
import { otherTargets, targetChoices, targetsKey } from "./training_fields";
import { engineOf, trainingEngineKey } from "./traits";
import { fileKey, fileModel, typedConfig } from "./typed_config";

/** Throws UnreadableJson where the text of the configuration is no JSON. */
export function scenarioOf({ values, rest }: Form, catalog: Catalog): Scenario {
  const { models, gpus } = catalog;
  const scenario: Record<string, unknown> = structuredClone(rest);
  const by = values["model.by"];
  if (by === "file" && values[fileKey]) scenario.model = fileModel(values[fileKey]);
  else setAt(scenario, `model.${by}`, modelOf(values, models));
  scenario.task = values.task;
  for (const field of shownFields(values, catalog)) {
    const text = values[field.key]?.trim();
    if (!text || text === otherTargets) continue;
    // Keys and values may differ; a single format is that of both.
    if (field.key === cacheValuesKey) setAt(scenario, field.path, { ...cacheKeys(valueAt(scenario, field.path)), value: text });
    else setAt(scenario, field.path, field.kind === "model" ? idOf(text, models) : typed(field, text));
  }
  const hardware = values["hardware.by"];
  const named = nameOf(values, `hardware.${hardware}`, hardware === "gpu" ? gpus : {});
  if (named) setAt(scenario, `hardware.${hardware}`, named);
  return scenario as unknown as Scenario;
}

function modelOf(values: Form["values"], models: Catalog["models"]): unknown {
  if (values["model.by"] === "config") return typedConfig(values["model.config"] ?? "");
  if (values["model.by"] === "parameters") return parametersOrText(values["model.parameters"] ?? "");
  return nameOf(values, "model.id", models);
}

const nameOf = (values: Form["values"], path: string, rows: Record<string, object>) => values[previewOf(path)] || idOf(values[path] ?? "", rows);

const cacheKeys = (format: unknown) => (typeof format === "string" ? { key: format } : {});

function typed(field: Field, text: string): unknown {
  if (field.kind === "count" || field.kind === "number") return countOrText(text);
  if (field.kind === "names") return namesIn(text);
  if (field.kind === "numbers") return namesIn(text).map(countOrText);
  return field.kind === "flag" ? text === "true" : text;
}

/** What no field can show stays in `rest`, so that the core still sees it, and says so where it is wrong. */
export function formOf(scenario: Record<string, unknown>, catalog: Catalog): Form {
  const rest = structuredClone(scenario);
  delete rest.detail;
  const { values } = startForm(catalog);
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
  const counted = values["model.by"] === "parameters";
  const weights = values.task === "training" ? "amp.weights" : counted ? "count.weights" : "weights";
  if (!counted) values[values.task === "training" ? trainingEngineKey : "engine.name"] = takeAt(rest, "engine.name") ?? "";
  values[weights] = takeAt(rest, "weights") ?? "";
  takeCache(rest, values);
  // Which of a path's fields there is depends on the engine and the model.
  const shown = shownFields({ ...values, [methodKey]: String(valueAt(rest, methodKey) ?? "") }, catalog);
  for (const field of [...shown, ...fields.filter((one) => !shown.some(({ path }) => path === one.path))]) take(rest, field, values);
  // No field says this, but the method does.
  if (values["training.method"] === "qlora" && values["amp.weights"] && values["amp.weights"] !== "nf4-dq") rest.weights = values["amp.weights"];
  if (values["training.method"] === "qlora") delete values["amp.weights"];
  return { values, rest };
}

/** A field's value, under its own path or as an option of the engine. */
function take(rest: Record<string, unknown>, { key, path, kind, also }: Field, values: Form["values"]): void {
  const list = kind === "numbers" ? valueAt(rest, path) : undefined;
  if (Array.isArray(list) && list.every((share) => typeof share === "number")) setAt(rest, path, list.join(", "));
  const other = also?.[engineOf(values)];
  const text = takeAt(rest, path) ?? (other && takeAt(rest, other));
  if (text !== undefined) values[key] = text;
}

/** Formats of keys and of values, where both are said; no field shows anything else. */
function takeCache(rest: Record<string, unknown>, values: Form["values"]): void {
  const both = valueAt(rest, "inference.kvFormat");
  if (engineOf(values) !== "llama.cpp" || !isTree(both) || Object.keys(both).some((name) => name !== "key" && name !== "value")) return;
  values["inference.kvFormat"] = takeAt(rest, "inference.kvFormat.key") ?? "";
  values[cacheValuesKey] = takeAt(rest, "inference.kvFormat.value") ?? "";
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
  const { gguf, safetensors } = isTree(rest.model) ? rest.model : ({} as Record<string, unknown>);
  if (isTree(gguf) || isTree(safetensors)) {
    Object.assign(values, { "model.by": "file", [fileKey]: JSON.stringify(rest.model) });
    return void delete rest.model;
  }
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
