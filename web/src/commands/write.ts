// The command that starts an engine as a scenario asks for it.
import type { Scenario } from "../engine/types";
import { isTree, valueAt } from "../state/paths";
import * as text from "../text/commands";
import { engineCommands } from "./engines";
import type { Flag, Tree } from "./flag";
import { ollamaCommand } from "./ollama";
import { quoted } from "./shell";
import { trainerArguments } from "./trainer";

export interface Written {
  command: string;
  /** What the command cannot say. */
  notes: string[];
}

/** Of a scenario, and the same as the engine completed it; undefined for engines that no command starts. */
export function commandOf(asked: Scenario, completed: Scenario): Written | undefined {
  const engine = completed.engine?.name ?? "";
  // Where nothing is said, servers take the longest that the model was made for, and not this default.
  const scenario = { ...asked, inference: { contextTokens: valueAt(completed, "inference.contextTokens"), ...asked.inference } };
  const known = engineCommands.find((one) => one.engine === engine);
  if (scenario.task === "training") return trainerArguments(asked, completed);
  if (!known) return undefined;
  const { prepare = (same: Tree) => same, nameOf = (id: string) => id } = known;
  const id = scenario.model.id ?? (typeof scenario.model.config?._name_or_path === "string" ? scenario.model.config._name_or_path : "MODEL");
  if (engine === "llama.cpp" && valueAt(scenario, "engine.options.engine") === "ollama") return ollamaCommand(scenario as unknown as Tree, id);
  const given = prepare(scenario as unknown as Tree);
  const named = [...known.model.slice(0, 1), quoted(nameOf(id, scenario))];
  const done = new Set<string>();
  const flags = known.flags.flatMap((flag) => (done.has(flag.path) ? [] : written(flag, valueAt(given, flag.path), () => done.add(flag.path))));
  const gpus = engine === "llama.cpp" ? Number(valueAt(given, "parallel.pipeline") ?? 1) : 1;
  const visible = gpus > 1 ? [`CUDA_VISIBLE_DEVICES=${Array.from({ length: Math.min(gpus, 64) }, (_, i) => i).join(",")}`] : [];
  // A positional name comes first; a long command gets a line for each flag.
  const start = [...visible, ...known.start, ...(known.start.at(-1) === "serve" ? named.slice(-1) : named)].join(" ");
  const command = [start, ...flags].join(flags.length > 3 ? " \\\n  " : " ");
  return { command, notes: notesOf(scenario, engine, known.flags, done, given) };
}

function written({ names: [name], kind, words, not }: Flag, value: unknown, done: () => void): string[] {
  if (value === undefined) return [];
  const as = (shown: string) => (done(), [`${name} ${quoted(shown)}`]);
  if (kind === "flag") return typeof value === "boolean" && (done(), value !== Boolean(not)) ? [name] : [];
  if (kind === "word") {
    const [word] = Object.entries(words ?? {}).find(([, ours]) => ours === value) ?? [];
    return word === undefined ? [] : as(word);
  }
  if (kind === "numbers") return Array.isArray(value) ? as(value.join(",")) : [];
  return typeof value === "number" || typeof value === "string" ? as(String(value)) : [];
}

/** Settings that are no flag of the engine's command, by the words of the scenario. */
function notesOf(scenario: Scenario, engine: string, flags: Flag[], done: Set<string>, given: Tree): string[] {
  const lost = leaves(scenario.engine?.options ?? {}, "engine.options").filter((path) => !done.has(path) && !sayable(path, flags, given));
  const format = scenario.weights && !done.has("weights") && !/^(bf16|fp16|fp32)$/.test(scenario.weights) && engine !== "llama.cpp" ? [text.quantised(scenario.weights)] : [];
  return [...format, ...(lost.length > 0 ? [text.unsaid(lost.map((path) => path.replace("engine.options.", "")))] : [])];
}

const said = new Set(["max_model_len", "max_num_batched_tokens", "gpu_memory_utilization", "chunked_prefill_size", "mem_fraction_static", "free_gpu_memory_fraction", "n_ctx", "cache_type_k", "cache_type_v", "engine"]);
const sayable = (path: string, flags: Flag[], given: Tree) => said.has(path.replace("engine.options.", "")) || flags.some((flag) => flag.path === path && valueAt(given, path) !== undefined);

const leaves = (tree: Tree, at: string): string[] =>
  Object.entries(tree).flatMap(([name, value]) => (isTree(value) ? leaves(value, `${at}.${name}`) : [`${at}.${name}`]));
