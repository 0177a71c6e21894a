// The configuration that was typed, dropped or pasted, read once for all that ask for it.
import { parseJson } from "../import/json";

// One text is read again for every other field that changes; the last one is kept.
let last = { text: "", config: undefined as unknown };

/** Throws UnreadableJson. */
export function typedConfig(text: string): unknown {
  if (text !== last.text || last.config === undefined) last = { text, config: parseJson(text) };
  return last.config;
}

/** Undefined where it is no object of JSON. */
export function readConfig(text: string): Record<string, unknown> | undefined {
  try {
    const config = typedConfig(text);
    return typeof config === "object" && config !== null ? (config as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Where the model that was read off files lies, as the text of a scenario's `model`. */
export const fileKey = "model.file";

let lastFile = { text: "", model: {} as Record<string, unknown> };

/** Read once, as it is large; nobody types it. */
export function fileModel(text: string): Record<string, unknown> {
  if (text !== lastFile.text) lastFile = { text, model: JSON.parse(text) as Record<string, unknown> };
  return lastFile.model;
}
