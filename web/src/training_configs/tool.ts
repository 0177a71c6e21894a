// A training tool's configuration and a scenario: which of its keys say what ours do.
import type { Tree } from "../commands/flag";
import { setAt, valueAt } from "../state/paths";

export interface Row {
  /** The first is written, all are read; dots lead into records. */
  names: string[];
  path: string;
  /** Their word for ours; the first that fits is written. Without it a number is taken as it is. */
  words?: Record<string, unknown>;
}

export interface Tool {
  id: string;
  name: string;
  is: (tree: Tree) => boolean;
  rows: Row[];
  /** What no row says by itself, after the rows were read; returns the base model's name where there is one. */
  read: (tree: Tree, scenario: Tree, notes: string[]) => string | undefined;
  /** The same the other way. */
  write: (scenario: Tree, tree: Tree, model: string) => void;
  /** Keys that change memory and that nothing here reads. */
  matters: string[];
  /** Keys that stand for what is read with others. */
  form: "yaml" | "json" | "arguments";
}

export const row = (path: string, words: Row["words"], ...names: string[]): Row => ({ names, path, words });

export const isOn = (value: unknown) => value === true || value === "true" || value === "auto";
const isOff = (value: unknown) => [undefined, null, false, "false", "", 0, "none", "None"].includes(value as string) || (Array.isArray(value) && value.length === 0);

export function readRows({ rows, matters }: Tool, tree: Tree, scenario: Tree, notes: string[]): void {
  const passed: string[] = matters.filter((name) => !isOff(valueAt(tree, name)));
  for (const { names, path, words } of rows) {
    const name = names.find((one) => !isNothing(valueAt(tree, one)));
    if (name === undefined) continue;
    const said = valueAt(tree, name);
    const value = words ? (Object.hasOwn(words, String(said)) ? words[String(said)] : undefined) : countOf(said);
    if (value === undefined) passed.push(`${name}: ${JSON.stringify(said)?.slice(0, 60)}`);
    else setAt(scenario, path, value);
  }
  if (passed.length > 0) notes.push(`Not counted: ${passed.join(", ")}.`);
}

const isNothing = (value: unknown) => value === undefined || value === null || value === "auto";
const countOf = (value: unknown) => (typeof value === "boolean" || value === "" || !Number.isFinite(Number(value)) ? undefined : Number(value));

export function writeRows({ rows }: Tool, scenario: Tree, tree: Tree): void {
  for (const { names: [name], path, words } of rows) {
    const ours = valueAt(scenario, path);
    if (ours === undefined) continue;
    const word = words ? Object.keys(words).find((one) => words[one] === ours) : ours;
    if (word !== undefined) setAt(tree, name, word === "true" ? true : word === "false" ? false : word);
  }
}

/** Names of modules, as a list or as a text with commas; "all" ones by their word. */
export function targetsOf(value: unknown, all: string[]): string[] | undefined {
  const names = typeof value === "string" ? value.split(",").map((name) => name.trim()) : Array.isArray(value) ? value.map(String) : [];
  if (names.length === 0 || !names[0]) return undefined;
  return names.some((name) => all.includes(name)) ? ["all-linear"] : names;
}

export const targetsIn = (scenario: Tree) => (valueAt(scenario, "training.lora.targets") ?? []) as string[];
export const everyLinear = (targets: string[]) => targets[0] === "all-linear";
