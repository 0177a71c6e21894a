// The fields of a scenario; where none is given, those of every task and engine.
import { factsOf, type LoadedEngine } from "../engine/engine";
import type { Catalog, FieldDescription, Scenario } from "../engine/types";
import { allEngines } from "../state/description";

interface Asked {
  name: string;
  scenario: Scenario;
  /** Only fields below this are told. */
  below?: string;
}

export const fieldsOf = (engine: LoadedEngine, scenario: Scenario, catalog: Catalog) =>
  JSON.parse(engine.estimator.fields(scenario, factsOf(scenario, catalog))) as FieldDescription[];

/** One row for each way in which a field is read: engines may have defaults of their own. */
export function everyField(engine: LoadedEngine, catalog: Catalog): FieldDescription[] {
  const rows = new Map<string, FieldDescription & { engines: string[] }>();
  for (const { name, scenario, below = "" } of asked(engine, catalog)) {
    for (const field of fieldsOf(engine, scenario, catalog).filter(({ path }) => path.startsWith(below))) {
      const key = JSON.stringify(field);
      const row = rows.get(key) ?? { ...field, engines: [] };
      rows.set(key, row);
      if (!row.engines.includes(name)) row.engines.push(name);
    }
  }
  const all = [...rows.values()];
  // Engines that pass a field over say nothing of it that those which read it don't.
  const told = (row: FieldDescription) => row.kind !== "any" || !all.some(({ path, kind }) => path.startsWith(`${row.path}.`) || (path === row.path && kind !== "any"));
  return all.filter(told).sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** For each engine the first model of the catalog that it answers for: nothing depends on a model's name. */
function asked(engine: LoadedEngine, catalog: Catalog): Asked[] {
  const ids = Object.keys(catalog.models);
  const answered = (task: "inference" | "training", name: string) =>
    ids.map((id): Scenario => ({ model: { id }, task, engine: { name }, detail: "summary" })).find((scenario) => engine.estimate(scenario, catalog).ok);
  const of = (task: "inference" | "training", names: readonly string[]) =>
    names.flatMap((name): Asked[] => {
      const scenario = answered(task, name);
      if (!scenario) return [];
      // Fields of adapters and of hardware are only read where there are any.
      const adapters: Asked = { name, scenario: { ...scenario, training: { method: "lora" } }, below: "training.lora." };
      return [{ name, scenario }, ...(name === "torch" ? [adapters] : []), { name, scenario: { ...scenario, hardware: { memory: "80 GiB" } }, below: "hardware." }];
    });
  return [...of("inference", [...allEngines.inference, "diffusers"]), ...of("training", allEngines.training)];
}
