// What somebody has in hand, as a model or as changes of the scenario.
import type { Tree } from "../commands/flag";

export interface Given {
  /** For people: which file, repository or kind of text it was. */
  name: string;
  /** {"config"}, {"gguf"}, {"safetensors"} or {"id"}. */
  model?: Tree;
  /** Everything else it says. */
  scenario?: Tree;
  /** What was taken for granted, and what was passed over. */
  notes: string[];
}

export const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null && !Array.isArray(value);
