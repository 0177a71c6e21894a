// A text that was pasted, dropped or typed: recognised by what is in it.
import { readCommand } from "../commands/read";
import { isAdapter, readAdapter } from "./adapter";
import { type Given, isTree } from "./given";
import { longestText, parseJson } from "./json";
import { isPipelineIndex } from "./pipeline";
import { Unreadable } from "./source";
import { tooLong, unknownText } from "../text/import";

const looksLikeConfig = (json: Record<string, unknown>) => "model_type" in json || "architectures" in json || "_class_name" in json;

/** Throws a sentence for people. JSON that is damaged comes back as a configuration, where it can be mended. */
export async function readText(text: string, models: Record<string, object>, name = ""): Promise<Given> {
  if (text.length > longestText) throw new Unreadable(tooLong);
  const given = text.trim().replace(/^\uFEFF/, "");
  if (given.startsWith("{")) {
    let json: unknown;
    try {
      json = parseJson(given);
    } catch {
      return { name: name || "config.json", model: { configText: text }, notes: [] };
    }
    if (!isTree(json)) throw new Unreadable("This is JSON, but no object.");
    if (isAdapter(json)) return readAdapter(json, models);
    if (isPipelineIndex(json)) throw new Unreadable("model_index.json alone has no sizes: choose the pipeline's whole folder, with the config.json of every component.");
    if (isTree(json.model) && !looksLikeConfig(json)) return { name: name || "scenario", model: json.model, scenario: { ...json, model: undefined }, notes: [] };
    if (looksLikeConfig(json)) return { name: name || "config.json", model: { configText: text }, notes: [] };
  }
  const training = (await import("../training_configs/read")).readTraining(given, models);
  if (training) return { ...training, name: name || training.name };
  if (given.startsWith("{")) return { name: name || "config.json", model: { configText: text }, notes: [] };
  const { scenario, notes } = commandIn(given, models);
  const { model, ...rest } = scenario;
  return { name: name || "command", ...(isTree(model) && model.id ? { model } : {}), scenario: rest, notes };
}

function commandIn(given: string, models: Record<string, object>) {
  try {
    return readCommand(given, models);
  } catch {
    throw new Unreadable(unknownText);
  }
}
