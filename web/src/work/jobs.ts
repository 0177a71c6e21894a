// Work of many estimates, as steps: each yields a scenario and is given the answer.
import type { Catalog, Scenario } from "../engine/types";
import { type Asking, largestModel, smallestCard } from "../plan/catalog_search";
import { layoutsFor, type Planned } from "../plan/layouts";
import { type Axis, scenarioAt } from "../sweep/axes";
import { type Outcome, outcomeOf } from "../sweep/figures";

/** A sweep's points from one to before another, or a search. */
export type Job =
  | { kind: "sweep"; scenario: Scenario; axes: Axis[]; from: number; to: number }
  | { kind: "plan"; scenario: Scenario; gpus: number }
  | { kind: "card" | "model"; scenario: Scenario };

export type Result = Outcome[] | Planned[] | string | undefined;

export function stepsOf(job: Job, catalog: Catalog): Asking<Result> {
  if (job.kind === "sweep") return points(job.scenario, job.axes, job.from, job.to);
  if (job.kind === "plan") return layoutsFor(job.scenario, job.gpus, catalog);
  return (job.kind === "card" ? smallestCard : largestModel)(job.scenario, catalog);
}

function* points(scenario: Scenario, axes: Axis[], from: number, to: number): Asking<Outcome[]> {
  const found: Outcome[] = [];
  for (let i = from; i < to; i++) found.push(outcomeOf(yield scenarioAt(scenario, axes, i)));
  return found;
}
