// The same where no worker can start: the page goes through the steps itself, a slice at a time.
import { countOf } from "../sweep/axes";
import type { Job, Result } from "./jobs";
import type { How } from "./pool";
import { inSlices } from "./slices";

export async function run(job: Job, { signal, progress, catalog, estimate }: How): Promise<Result> {
  const whole = job.kind === "sweep" ? { ...job, from: 0, to: countOf(job.axes) } : job;
  const ended = await inSlices(whole, catalog, estimate, { stopped: () => signal.aborted, progress });
  if (!ended) throw new Error("stopped");
  return ended.result;
}
