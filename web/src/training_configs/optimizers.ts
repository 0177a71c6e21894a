// Names of optimizers in Hugging Face's Trainer, which axolotl and LLaMA-Factory take over.
// Source: transformers/training_args.py OptimizerNames
import type { Tree } from "../commands/flag";
import { optimizers } from "../commands/trainer";
import { setAt, valueAt } from "../state/paths";

export function readOptimizer(name: unknown, scenario: Tree, notes: string[]): void {
  if (typeof name !== "string" || name === "") return;
  const [, ours, step] = optimizers.find(([theirs]) => theirs === name.replace("OptimizerNames.", "").toLowerCase()) ?? [];
  if (!ours) return void notes.push(`The optimizer ${name.slice(0, 40)} has no name here: the default stays.`);
  setAt(scenario, "training.optimizer", ours);
  if (step) setAt(scenario, "training.optimizerStep", step);
}

export function optimizerName(scenario: Tree): string | undefined {
  const ours = valueAt(scenario, "training.optimizer"), step = valueAt(scenario, "training.optimizerStep");
  if (ours === undefined) return undefined;
  return (optimizers.find(([, name, how]) => name === ours && (!how || how === step)) ?? optimizers.find(([, name]) => name === ours))?.[0];
}
