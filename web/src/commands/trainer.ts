// The arguments of Hugging Face's Trainer and of PEFT, as Python, YAML or JSON have them: written for a scenario, and read back.
import type { Scenario } from "../engine/types";
import { setAt, valueAt } from "../state/paths";
import * as text from "../text/commands";
import type { Tree } from "./flag";
import { longestCommand } from "./shell";
import type { Written } from "./write";
import type { ReadCommand } from "./read";

interface Argument {
  names: string[];
  path: string;
  /** Their word for ours; without it a number is taken as it is. */
  words?: Record<string, unknown>;
}

const argument = (path: string, words: Argument["words"], ...names: string[]): Argument => ({ names, path, words });

/** Source: transformers/training_args.py, trl/trainer/sft_config.py, peft/tuners/lora/config.py */
const trainer: Argument[] = [
  argument("training.microBatch", undefined, "per_device_train_batch_size", "micro_batch_size"),
  argument("training.gradientAccumulation", undefined, "gradient_accumulation_steps"),
  argument("training.sequenceTokens", undefined, "max_length", "max_seq_length", "sequence_len", "cutoff_len"),
  argument("training.checkpointing", { true: "full", false: "none" }, "gradient_checkpointing"),
  argument("training.kernels", { true: "liger", false: "torch" }, "use_liger_kernel"),
];
const lora: Argument[] = [
  argument("training.lora.rank", undefined, "r", "lora_r", "lora_rank"),
  argument("training.lora.dropout", undefined, "lora_dropout"),
];

/** Their names of optimizers, ours, and how the step is taken; the first of ours is written. */
export const optimizers: [name: string, ours: string, step?: string][] = [
  ["adamw_torch_fused", "adamw", "fused"],
  ["adamw_torch", "adamw", "foreach"],
  ["adamw_8bit", "adamw-8bit"],
  ["adamw_bnb_8bit", "adamw-8bit"],
  ["paged_adamw_8bit", "paged-adamw-8bit"],
  ["paged_adamw_32bit", "paged-adamw"],
  ["paged_lion_8bit", "paged-lion-8bit"],
  ["schedule_free_adamw", "adamw-schedule-free"],
  ["adalomo", "adalomo"],
  ["lomo", "lomo"],
  ["adafactor", "adafactor"],
  ["sgd", "sgd"],
  ["lion_32bit", "lion"],
  ["lion_8bit", "lion-8bit"],
];

export function trainerArguments(asked: Scenario, { training, weights }: Scenario): Written | undefined {
  const { engine } = asked;
  if (!training || (engine?.name ?? "torch") !== "torch") return undefined;
  const kind = valueAt({ training }, "training.lora.kind") ?? "lora";
  if (training.method === "prompt" || (kind !== "lora" && kind !== "rslora")) return undefined;   // configurations of peft's other methods
  const completed = { training };
  const lines = trainer.flatMap(({ names: [name], path, words }) => {
    const value = valueAt(completed, path);
    const shown = words ? Object.entries(words).find(([, ours]) => ours === value)?.[0] : String(value);
    return shown === undefined || value === undefined ? [] : [`${name}=${python(shown)}`];
  });
  const { precision, optimizer, optimizerStep, method } = training as Record<string, string>;
  const optim = optimizers.find(([, ours, step]) => ours === optimizer && (!step || step === optimizerStep)) ?? optimizers.find(([, ours]) => ours === optimizer);
  if (optim) lines.push(`optim="${optim[0]}"`);
  if (precision === "bf16-amp" || precision === "fp16-amp") lines.push(`${precision.slice(0, 4)}=True`);
  const names = valueAt(completed, "training.lora.targets");
  const targets = Array.isArray(names) ? (names[0] === "all-linear" ? '"all-linear"' : JSON.stringify(names)) : undefined;
  const adapters = lora.map(({ names: [name], path }) => `${name}=${valueAt(completed, path) ?? 0}`);
  const call = (name: string, all: string[]) => `${name}(\n${all.map((line) => `    ${line},\n`).join("")})`;
  const calls = [call("SFTConfig", lines)];
  if (method !== "full") calls.push(call("LoraConfig", [...adapters, ...(targets ? [`target_modules=${targets}`] : []), ...(method === "dora" ? ["use_dora=True"] : []), ...(kind === "rslora" ? ["use_rslora=True"] : [])]));
  if (method === "qlora") calls.push(call("BitsAndBytesConfig", ["load_in_4bit=True", 'bnb_4bit_quant_type="nf4"', `bnb_4bit_use_double_quant=${python(String(weights === "nf4-dq"))}`]));
  const notes = [text.loadedIn(method === "qlora" ? "bfloat16" : weights === "fp32" ? "float32" : "bfloat16")];
  if (!optim) notes.push(text.noOptimizer(optimizer));
  return { command: calls.join("\n"), notes };
}

const python = (word: string) => (word === "true" ? "True" : word === "false" ? "False" : word);

/** Throws an Error with a sentence where nothing of a trainer's arguments is in the text. */
export function readTrainer(given: string): ReadCommand {
  if (given.length > longestCommand) throw new Error(text.tooLong);
  const values = new Map<string, string>();
  // name=value, name: value, "name": value and --name value, a list in brackets as one value.
  for (const [, name, list, value] of given.matchAll(/["']?\b([a-z]\w{0,60})["']?[ \t]{0,20}(?:=|:|\s)[ \t]{0,20}(?:\[([^\]]{0,2000})\]|["']?([\w.+-]{1,60})["']?)/gi)) values.set(name, list ?? value);
  const scenario: Tree = { task: "training" };
  let found = 0;
  const take = (path: string, value: unknown) => {
    setAt(scenario, path, value);
    found++;
  };
  for (const { names, path, words } of [...trainer, ...lora]) {
    const said = names.map((name) => values.get(name)).find((value) => value !== undefined);
    if (said === undefined) continue;
    const value = words ? words[said.toLowerCase()] : Number(said);
    if (value !== undefined && !Number.isNaN(value)) take(path, value);
  }
  const is = (name: string) => values.get(name)?.toLowerCase() === "true";
  const [, optimizer, step] = optimizers.find(([name]) => name === values.get("optim")?.replace("OptimizerNames.", "").toLowerCase()) ?? [];
  if (optimizer) take("training.optimizer", optimizer);
  if (step) take("training.optimizerStep", step);
  for (const format of ["bf16", "fp16"]) if (is(format)) take("training.precision", `${format}-amp`);
  const names = values.get("target_modules")?.match(/[\w-]+/g);
  if (names) take("training.lora.targets", [...names]);
  const adapters = valueAt(scenario, "training.lora") !== undefined;
  if (is("load_in_4bit")) {
    take("training.method", "qlora");
    if (values.get("bnb_4bit_use_double_quant")?.toLowerCase() !== "true") scenario.weights = "nf4";
  } else if (adapters || is("use_dora")) {
    take("training.method", is("use_dora") ? "dora" : "lora");
  }
  if (found === 0) throw new Error(text.unknownCommand);
  return { scenario, notes: values.get("optim") && !optimizer ? [text.noOptimizer(values.get("optim") ?? "")] : [] };
}
