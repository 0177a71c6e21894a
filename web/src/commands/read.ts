// A command that starts an engine, read back into a scenario.
import { idOf } from "../catalog/named";
import { setAt } from "../state/paths";
import * as text from "../text/commands";
import { engineCommands } from "./engines";
import type { EngineCommand, Flag, Tree } from "./flag";
import { isOllama, readOllama } from "./ollama";
import { longestCommand, splitCommand } from "./shell";
import { readTrainer } from "./trainer";

export interface ReadCommand {
  scenario: Tree;
  /** What was taken for granted, and what was passed over. */
  notes: string[];
}

/** Throws an Error with a sentence for people. Arguments of a trainer name no model: such a scenario has none. */
export function readCommand(command: string, models: Record<string, object>): ReadCommand {
  if (command.length > longestCommand) throw new Error(text.tooLong);
  const words = splitCommand(command.replace(/^\s*\$ /, ""));
  const found = startOf(words);
  if (!found) return isOllama(command) ? readOllama(command, models) : readTrainer(command);
  const { known, rest } = found;
  const scenario: Tree = { model: {}, task: "inference", engine: { name: known.engine } };
  const { model, ignored } = readFlags(rest, known, scenario);
  const gpus = visibleGpus(words);
  if (known.engine === "llama.cpp" && gpus > 1) setAt(scenario, "parallel.pipeline", gpus);
  const notes = known.finish?.(scenario) ?? [];
  const name = model && (known.read?.(model, scenario) ?? model);
  scenario.model = { id: name ? idOf(name, models) : "" };
  if (!name) notes.push(text.noModel);
  if (ignored.length > 0) notes.push(text.ignored(ignored));
  return { scenario, notes };
}

function startOf(words: string[]): { known: EngineCommand; rest: string[] } | undefined {
  const base = words.map((word) => word.replace(/^.*[\\/]/, "").replace(/\.exe$/, ""));
  for (const known of engineCommands)
    for (const start of known.starts) {
      const at = base.findIndex((_, i) => start.every((word, k) => base[i + k] === word));
      if (at >= 0) return { known, rest: words.slice(at + start.length) };
    }
  return undefined;
}

function readFlags(words: string[], known: EngineCommand, scenario: Tree) {
  const same = (name: string) => (name.startsWith("--") ? name.replaceAll("_", "-") : name);
  const ignored: string[] = [];
  let model: string | undefined;
  for (let i = 0; i < words.length; i++) {
    const [whole, given] = words[i].startsWith("--") ? splitAt(words[i], "=") : [words[i], undefined];
    const name = same(whole);
    // What follows is a value unless it is the next flag; a negative number is none.
    const next = words[i + 1];
    const value = given ?? (next !== undefined && !/^-[-A-Za-z]/.test(next) ? next : undefined);
    const used = () => {
      if (given === undefined && value !== undefined) i++;
    };
    const matching = known.flags.filter(({ names }) => names.map(same).includes(name));
    if (!name.startsWith("-")) {
      model ??= words[i];
    } else if (known.model.includes(name)) {
      model = value;
      used();
    } else if (matching.length === 0) {
      ignored.push(whole);
      used();
    } else if (matching[0].kind === "flag") {
      setAt(scenario, matching[0].path, !matching[0].not);
    } else {
      const read = value === undefined ? undefined : valueOf(matching[0], value);
      if (read === undefined) ignored.push(value === undefined ? whole : `${whole} ${value}`);
      else if (read !== asEngine) setAt(scenario, matching[0].path, read);
      used();
    }
  }
  return { model, ignored };
}

/** A word that leaves the choice to the engine. */
const asEngine = "auto";

function valueOf({ kind, words = {} }: Flag, text: string): unknown {
  if (kind === "word") return Object.hasOwn(words, text) ? words[text] : text === asEngine ? asEngine : undefined;
  if (kind === "numbers") {
    const shares = text.split(/[,/]/).map(Number);
    return shares.every(Number.isFinite) ? shares : undefined;
  }
  if (text === asEngine || text === "all") return asEngine;
  // vLLM takes 32k and 32K: thousands, and 1024 of them.
  const [, digits, unit = ""] = /^(-?\d*\.?\d+(?:e\d+)?)([kKmMgG]?)$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * multiples[unit];
}

const multiples: Record<string, number> = { "": 1, k: 1000, m: 1e6, g: 1e9, K: 1024, M: 1048576, G: 1073741824 };

function visibleGpus(words: string[]): number {
  const named = words.map((word) => /^(?:CUDA|HIP|ROCR)_VISIBLE_DEVICES=(.+)$/.exec(word)?.[1]).find(Boolean);
  return named ? named.split(",").filter(Boolean).length : 1;
}

function splitAt(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
