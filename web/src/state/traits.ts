// What the form is about, where that decides which fields can change the answer: the engine, and what kind of model.
import { configOf } from "../engine/engine";
import type { Catalog } from "../engine/types";
import { idOf } from "../catalog/named";
import { fileKey, fileModel, readConfig } from "./typed_config";
import { previewOf } from "./form";

export type Values = Record<string, string>;

/** A key of the form that nobody types: what shownFields() found out about the model, as words. */
export const traitsKey = "model.traits";

export const trainingEngineKey = "training.engine";

/** What the menu of weights puts together; GGUF file types are written in capitals. */
export function weightGroup(format: string): "full" | "eight" | "four" | "gguf" {
  if (/^[A-Z]/.test(format)) return "gguf";
  return /^(bf16|fp16|fp32|)$/.test(format) ? "full" : /^(fp8|int8|mxfp8|w8)/.test(format) ? "eight" : "four";
}

const expertCounts = ["num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"];

/** That one of these is more than 1, for the model or for what it has inside. */
function has(config: unknown, names: string[]): boolean {
  const parts = [config, (config as { text_config?: unknown } | undefined)?.text_config] as (Record<string, unknown> | undefined)[];
  return parts.some((part) => names.some((name) => Number(part?.[name]) > 1));
}
export const hasExperts = (config: unknown) => has(config, expertCounts);

/** "pipeline", "experts", "windows" and "images", as far as a configuration's fields say so. */
export function traitsOf(values: Values, catalog: Catalog): string {
  const file = values["model.by"] === "file" && values[fileKey] ? fileModel(values[fileKey]) : undefined;
  if (file?.gguf) return "gguf";
  const config = (file ? configOf({ model: file }, catalog) : values["model.by"] === "config" ? readConfig(values["model.config"] ?? "") : values["model.by"] === "id" ? named(values, catalog) : undefined) as Record<string, unknown> | undefined;
  if (!config) return "";
  const traits = [];
  if (typeof config._class_name === "string") traits.push("pipeline");
  if (hasExperts(config)) traits.push("experts");
  if (has(config, ["sliding_window"])) traits.push("windows");
  if (typeof config.vision_config === "object" && config.vision_config !== null) traits.push("images");
  return traits.join(" ");
}

function named(values: Values, catalog: Catalog): unknown {
  const id = values[previewOf("model.id")] || idOf(values["model.id"] ?? "", catalog.models);
  return configOf({ model: { id } }, catalog);
}

export const is = (v: Values, trait: string) => (v[traitsKey] ?? "").split(" ").includes(trait);

/** A pipeline has one engine, and a GGUF file's type makes it llama.cpp, unless another one is asked for. */
export function engineOf(v: Values): string {
  if (v.task !== "inference") return v[trainingEngineKey] || "torch";
  if (is(v, "pipeline")) return "diffusers";
  return v["engine.name"] || (is(v, "gguf") || weightGroup(v.weights ?? "") === "gguf" ? "llama.cpp" : "transformers");
}
