// What was read, as values of the form, or as a scenario that takes the place of the one on screen.
import type { Scenario } from "../../engine/types";
import type { Given } from "../../import/given";

export function applied({ name, model, scenario: said }: Given, values: Record<string, string>, now?: Scenario): { scenario?: Record<string, unknown>; values: Record<string, string> } {
  const own = model ? fileValues(name, model, values) : undefined;
  if (!said && own) return { values: own };
  // What is read says nothing of the card, and often nothing of the model.
  const hardware = (said?.hardware as unknown) ?? now?.hardware;
  const kept = model && !own ? model : now?.model;
  return { scenario: { ...(kept && { model: kept }), ...said, ...(hardware !== undefined && { hardware }) }, values: own ?? {} };
}

/** A model that stands in the form as a text; its weights are its own until others are chosen. */
function fileValues(name: string, model: Record<string, unknown>, values: Record<string, string>): Record<string, string> | undefined {
  if (typeof model.configText === "string") return { "model.by": "config", "model.config": model.configText };
  if (model.config) return { "model.by": "config", "model.config": JSON.stringify(model.config, null, 2) };
  if (!model.gguf && !model.safetensors) return undefined;
  const engine = model.gguf ? (values["engine.name"] === "llama.cpp" ? "llama.cpp" : "") : values["engine.name"] === "llama.cpp" ? "" : (values["engine.name"] ?? "");
  return { "model.by": "file", "model.file": JSON.stringify(model), "model.file.name": name, weights: "", "engine.name": engine, ...(model.gguf ? { task: "inference" } : {}) };
}
