// Goes through a job's steps without keeping its thread busy for long, so that it can be stopped.
import type { Catalog, Estimate, Scenario } from "../engine/types";
import { type Job, type Result, stepsOf } from "./jobs";

/** Milliseconds between two looks at whether to go on. */
const slice = 30;

export interface Watch {
  stopped: () => boolean;
  /** Steps made so far. */
  progress: (done: number) => void;
}

/** Undefined where it was stopped. */
export async function inSlices(job: Job, catalog: Catalog, estimate: (scenario: Scenario) => Estimate, watch: Watch): Promise<{ result: Result } | undefined> {
  const steps = stepsOf(job, catalog);
  let step = steps.next();
  let done = 0;
  let pause = performance.now() + slice;
  while (!step.done) {
    step = steps.next(estimate(step.value));
    done++;
    if (performance.now() < pause) continue;
    watch.progress(done);
    await new Promise((next) => setTimeout(next));
    if (watch.stopped()) return undefined;
    pause = performance.now() + slice;
  }
  watch.progress(done);
  return { result: step.value };
}
