// The catalog as scripts/support/pack_catalog.mjs packed it, back as rows by id.
import type { GpuRow, ModelRow } from "../engine/types";

/** A model's configuration is what it changes of the one `bases` rows before it, or of nothing where that is 0. */
export interface PackedModels {
  names: string[];
  ids: string[];
  parameters: number[];
  bases: number[];
  changes: object[];
}
/** A column a field; null where a row does not have it. */
export interface PackedRows {
  id: string[];
  [field: string]: unknown[];
}

type Config = Record<string, unknown>;

export function unpackModels({ names, ids, parameters, bases, changes }: PackedModels): Record<string, ModelRow> {
  const configs: Config[] = [];
  for (const [i, back] of bases.entries()) configs.push(changed(back > 0 ? configs[i - back] : {}, changes[i] as Config, names));
  return Object.fromEntries(ids.map((id, i) => [id, { config: configs[i], parameters: parameters[i] }]));
}

export function unpackGpus({ id, ...columns }: PackedRows): Record<string, GpuRow> {
  const row = (i: number) => Object.fromEntries(Object.entries(columns).flatMap(([field, values]) => (values[i] === null ? [] : [[field, values[i]]])));
  return Object.fromEntries(id.map((key, i) => [key, row(i) as unknown as GpuRow]));
}

/** Keys are places in `names`, base 36. "-" lists what is gone, "~key" changes an object, anything else is a value. */
function changed(before: Config, changes: Config, names: string[]): Config {
  const nameOf = (key: string) => names[parseInt(key, 36)];
  const gone = new Set(((changes["-"] ?? []) as string[]).map(nameOf));
  const config = Object.fromEntries(Object.entries(before).filter(([name]) => !gone.has(name)));
  for (const [key, value] of Object.entries(changes)) {
    if (key === "-") continue;
    const inner = key.startsWith("~");
    const name = nameOf(inner ? key.slice(1) : key);
    config[name] = inner ? changed((before[name] ?? {}) as Config, value as Config, names) : listOf(value);
  }
  return config;
}

/** {"*": [value, how often, …]} stands for a list with repeats. */
function listOf(value: unknown): unknown {
  const runs = (value as { "*"?: unknown[] } | null)?.["*"];
  return runs ? runs.flatMap((entry, i) => (i % 2 === 0 ? Array(runs[i + 1] as number).fill(entry) : [])) : value;
}
