// Which card of the catalog is enough, and which model the card is enough for. Each yields the scenarios that it wants answered.
import type { Answer, Catalog, Estimate, Scenario } from "../engine/types";

export type Asking<Result> = Generator<Scenario, Result, Estimate>;

export const fitsAll = ({ devices }: Answer) => devices.every(({ fits }) => fits !== false);

export const briefly = (scenario: Scenario): Scenario => ({ ...scenario, detail: "summary", questions: [] });
const fully = (scenario: Scenario): Scenario => ({ ...scenario, detail: "timeline", questions: [] });

const sizeOf = (memory: string) => Number.parseFloat(memory);

/** Of the catalog's cards the one with least memory on which it fits, of those alike the first. */
export function* smallestCard(scenario: Scenario, { gpus }: Catalog): Asking<string | undefined> {
  const cards = Object.entries(gpus).sort(([, a], [, b]) => sizeOf(a.memory) - sizeOf(b.memory));
  const failed = new Set<string>();
  for (const [id, { memory, reported }] of cards) {
    const kind = `${memory} ${reported}`;
    if (failed.has(kind)) continue;
    const answer = yield fully({ ...scenario, hardware: { gpu: id, count: scenario.hardware?.count } });
    if (answer.ok && fitsAll(answer)) return id;
    failed.add(kind);
  }
  return undefined;
}

/** Of the catalog's models the one with most parameters that fits with the scenario's settings. */
export function* largestModel(scenario: Scenario, { models }: Catalog): Asking<string | undefined> {
  const bySize = Object.entries(models).sort(([, a], [, b]) => b.parameters - a.parameters);
  for (const [id] of bySize) {
    const answer = yield fully({ ...scenario, model: { id } });
    if (answer.ok && fitsAll(answer) && !answer.assumptions.some(({ id: said }) => said === "activations-unknown")) return id;
  }
  return undefined;
}
