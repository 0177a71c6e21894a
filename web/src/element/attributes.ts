// A scenario as the attributes of <gpumem-calculator>, and attributes as a scenario.
import type { Scenario } from "../engine/types";
import { countOrText } from "../format/counts";
import { isTree, merged, setAt, valueAt } from "../state/paths";

type Tree = Record<string, unknown>;

/** Where an attribute's value goes, which may depend on the task. */
const places: Record<string, (task: string) => string> = {
  model: () => "model.id",
  task: () => "task",
  weights: () => "weights",
  context: (task) => (task === "training" ? "training.sequenceTokens" : "inference.contextTokens"),
  sequences: (task) => (task === "training" ? "training.microBatch" : "inference.sequences"),
  gpu: () => "hardware.gpu",
  gpus: () => "hardware.count",
  method: () => "training.method",
};
const counts = ["context", "sequences", "gpus"];

/** Those for the common fields; `scenario` holds everything. */
export const fieldAttributes = Object.keys(places);

/** What the attributes say, over what `scenario` says; undefined where neither says anything. */
export function scenarioOf(attribute: (name: string) => string | null, scenario?: Tree): Tree | undefined {
  const given: Tree = {};
  // A method is one of training.
  const task = attribute("task") ?? (scenario?.task as string | undefined) ?? (attribute("method") ? "training" : "inference");
  for (const name of fieldAttributes) {
    const text = attribute(name)?.trim();
    if (text) setAt(given, places[name](task), counts.includes(name) ? countOrText(text) : text);
  }
  if (Object.keys(given).length === 0) return scenario;
  if (task === "training") given.task ??= task;
  return merged(scenario ?? {}, given) as Tree;
}

/** The attributes that say the scenario, the common ones where they are enough. */
export function attributesOf(scenario: Scenario): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of fieldAttributes) {
    const value = valueAt(scenario, places[name](scenario.task ?? "inference"));
    if (typeof value === "string" || typeof value === "number") found[name] = String(value);
  }
  const again = scenarioOf((name) => found[name] ?? null);
  const isSame = JSON.stringify(sorted({ task: "inference", ...again })) === JSON.stringify(sorted({ task: "inference", ...scenario }));
  return isSame ? found : { scenario: JSON.stringify(scenario) };
}

const sorted = (value: unknown): unknown =>
  isTree(value) ? Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])])) : value;
