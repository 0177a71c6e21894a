// Options of a script, --name value and --flag, as a record, and a record as options.
import type { Tree } from "../commands/flag";
import { quoted, splitCommand } from "../commands/shell";

/** Values behind a name are one, or a list where there are several; a name without any is true. */
export function readArguments(text: string): Tree {
  const values: Tree = Object.create(null) as Tree;
  const words = splitCommand(text);
  for (let i = 0; i < words.length; i++) {
    const [, name, given] = /^--?([A-Za-z][\w-]*)(?:=([^]*))?$/.exec(words[i]) ?? [];
    if (name === undefined) continue;
    const found: string[] = given === undefined ? [] : [given];
    while (given === undefined && i + 1 < words.length && !/^--?[A-Za-z]/.test(words[i + 1])) found.push(words[++i]);
    values[name] = found.length === 0 ? true : found.length === 1 ? plain(found[0]) : found;
  }
  // torchrun says how many processes there are: one a GPU.
  const first = (value: unknown) => Number(Array.isArray(value) ? value[0] : value);
  const each = first(values["nproc_per_node"] ?? values["nproc-per-node"]), nodes = first(values.nnodes ?? 1);
  if (each > 0 && nodes > 0 && values["world-size"] === undefined) values["world-size"] = each * nodes;
  return { ...values };
}

const plain = (word: string) => (/^true$/i.test(word) ? true : /^false$/i.test(word) ? false : word);

export function writeArguments(tree: Tree, capitals: boolean): string {
  const lines = Object.entries(tree).flatMap(([name, value]) => {
    if (value === false && !capitals) return [];
    if (value === true) return [capitals ? `--${name} True` : `--${name}`];
    if (value === false) return [`--${name} False`];
    return [`--${name} ${(Array.isArray(value) ? value : [value]).map((one) => quoted(String(one))).join(" ")}`];
  });
  return lines.join(" \\\n  ");
}
