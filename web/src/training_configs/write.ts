// A scenario as a training configuration.
import { stringify } from "yaml";
import type { Tree } from "../commands/flag";
import type { Scenario } from "../engine/types";
import { writeArguments } from "./arguments";
import type { Tool } from "./tool";
import { writeRows } from "./tool";
import { tools } from "./tools";

/** The tools that can say how this scenario's engine trains. */
export function toolsFor(engine: string): Tool[] {
  if (engine === "megatron" || engine === "deepspeed") return tools.filter(({ id }) => id === engine);
  return tools.filter(({ id }) => id !== "megatron" && id !== "deepspeed");
}

export function trainingText(tool: Tool, scenario: Scenario): string {
  const { config } = scenario.model;
  const model = scenario.model.id ?? (typeof config?._name_or_path === "string" ? config._name_or_path : "MODEL");
  const asked = scenario as unknown as Tree;
  const tree: Tree = {};
  tool.write(asked, tree, model);
  writeRows(tool, asked, tree);
  if (tool.form === "json") return JSON.stringify(tree, null, 2);
  if (tool.form === "arguments") return writeArguments(tree, tool.id !== "megatron");
  return stringify(tree);
}

/** What was asked, and the training with its defaults: a tool's own defaults are others. */
export const completedTraining = (asked: Scenario, completed: Scenario): Scenario => ({ ...asked, training: completed.training, ...(asked.weights && { weights: asked.weights }) });
