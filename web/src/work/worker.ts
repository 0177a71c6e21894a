// Beside the page: an engine of its own that goes through the jobs it is sent, one at a time.
import { loadCatalog } from "../catalog/load";
import type { Engine } from "../engine/engine";
import { engines } from "../engine/fetched_engines";
import type { Job, Result } from "./jobs";
import { inSlices } from "./slices";

export interface Order {
  id: number;
  /** Absent: the one of this number is to be stopped. */
  job?: Job;
  architectures?: Record<string, unknown>;
}
/** `done` counts steps; the last of an order has its `result`, or what went wrong. */
export interface Report {
  id: number;
  done?: number;
  ended?: { result?: Result; failed?: string; stopped?: boolean };
}

let started: Promise<Engine> | undefined;
const engine = () => (started ??= engines[engines.length - 1]());
const stopped = new Set<number>();
const report = (one: Report) => postMessage(one);

async function work(id: number, job: Job, architectures: Order["architectures"]): Promise<Report["ended"]> {
  const [{ estimate }, rows] = await Promise.all([engine(), loadCatalog()]);
  const catalog = { ...rows, architectures };
  return (await inSlices(job, catalog, (scenario) => estimate(scenario, catalog), { stopped: () => stopped.has(id), progress: (done) => report({ id, done }) })) ?? { stopped: true };
}

addEventListener("message", ({ data: { id, job, architectures } }: MessageEvent<Order>) => {
  if (!job) return void stopped.add(id);
  work(id, job, architectures).then(
    (ended) => report({ id, ended }),
    (error: Error) => {
      // One that broke off in the middle is not asked again.
      started = undefined;
      report({ id, ended: { failed: error.message } });
    },
  );
});
