// A training configuration as a scenario.
import { parse } from "yaml";
import type { Tree } from "../commands/flag";
import { idOf } from "../catalog/named";
import { type Given, isTree } from "../import/given";
import { readArguments } from "./arguments";
import { readRows } from "./tool";
import { tools } from "./tools";

/** The longest of torchtune's own has 4 kB. */
const longestText = 200_000;

/** Undefined for what is none of a known tool. */
export function readTraining(text: string, models: Record<string, object>): Given | undefined {
  if (text.length > longestText) return undefined;
  const tree = treeOf(text);
  const tool = tree && tools.find(({ is }) => is(tree));
  if (!tree || !tool) return undefined;
  const scenario: Tree = { task: "training" };
  const notes: string[] = [];
  readRows(tool, tree, scenario, notes);
  const base = tool.read(tree, scenario, notes);
  const { model: own, ...rest } = scenario;
  const id = base === undefined ? "" : idOf(base, models);
  const known = Object.hasOwn(models, id);
  if (base && !known) notes.push(`The model ${base.slice(0, 100)} is not in the catalog: it stays as it is above.`);
  if (base === undefined && !own) notes.push(`${tool.name} names no model here: it stays as it is above.`);
  const model = isTree(own) ? own : known ? { id } : undefined;
  return { name: tool.name, ...(model && { model }), scenario: rest, notes };
}

/** JSON, YAML, or options of a command. */
function treeOf(text: string): Tree | undefined {
  if (/(^|\s)--[a-z][\w-]+/i.test(text) && !/^[\w.-]+\s*:(\s|$)/m.test(text)) return readArguments(text);
  if (!/^["']?[\w.-]+["']?\s*:(\s|$)/m.test(text) && !text.startsWith("{")) return undefined;
  try {
    // JSON is YAML as well. A few aliases are fine, a tree of them is an attack.
    const tree: unknown = text.startsWith("{") ? JSON.parse(text) : parse(text, { maxAliasCount: 20, logLevel: "silent" });
    return isTree(tree) ? tree : undefined;
  } catch {
    return undefined;
  }
}
