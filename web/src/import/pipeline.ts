// A pipeline of Diffusers: its model_index.json names the components, whose folders hold a config.json each.
import type { Tree } from "../commands/flag";
import { isTree } from "./given";
import { Unreadable } from "./source";

/** Components that hold tensors; schedulers, tokenizers and processors have no config.json of a model. */
const weightless = /scheduler|tokenizer|processor|feature_extractor/;

export const isPipelineIndex = (json: Tree) => typeof json._class_name === "string" && Object.values(json).some((row) => Array.isArray(row) && row.length === 2 && typeof row[1] === "string");

/** Names of the folders whose config.json is needed. */
export const componentsOf = (index: Tree) =>
  Object.entries(index).filter(([name, row]) => /^[\w-]{1,60}$/.test(name) && !weightless.test(name) && Array.isArray(row) && typeof row[1] === "string").map(([name]) => name);

/** The model of a scenario; `configOf` has the parsed config.json of a component's folder, or nothing. */
export async function pipelineModel(index: Tree, configOf: (component: string) => Promise<unknown>): Promise<{ model: Tree; notes: string[] }> {
  const components: Tree = {};
  const missing: string[] = [];
  for (const name of componentsOf(index)) {
    const config = await configOf(name);
    if (isTree(config)) components[name] = config;
    else missing.push(name);
  }
  if (Object.keys(components).length === 0) throw new Unreadable("model_index.json alone has no sizes: choose the pipeline's whole folder, with the config.json of every component.");
  const notes = missing.length > 0 ? [`Without a config.json, and so not counted: ${missing.join(", ")}.`] : [];
  return { model: { config: { _class_name: index._class_name, components } }, notes };
}
