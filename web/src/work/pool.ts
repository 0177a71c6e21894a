// Jobs on as many workers as the machine has to spare.
import type { Catalog, Estimate, Scenario } from "../engine/types";
import { countOf } from "../sweep/axes";
import type { Job, Result } from "./jobs";
import type { Order, Report } from "./worker";

export interface How {
  signal: AbortSignal;
  /** Steps so far. */
  progress: (done: number) => void;
  catalog: Catalog;
  /** For where the page itself has to work. */
  estimate: (scenario: Scenario) => Estimate;
}

/** An engine takes some 20 MB of memory. While workers are busy the page itself only waits: two of them suit two processors. */
const least = 2;
const most = 4;
const wanted = () => Math.max(least, Math.min(most, (navigator.hardwareConcurrency ?? least) - 1));
/** Points that a worker gets at once: few enough that none is left with all the work at the end. */
const leastChunk = 16;
const shares = 6;

type Waiting = (report: Report) => void;
const workers: { worker: Worker; busy: number }[] = [];
const waiting = new Map<number, Waiting>();
let last = 0;

function freest() {
  const idle = workers.find(({ busy }) => busy === 0);
  if (idle) return idle;
  if (workers.length >= wanted()) return workers.reduce((a, b) => (b.busy < a.busy ? b : a));
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  worker.addEventListener("message", ({ data }: MessageEvent<Report>) => waiting.get(data.id)?.(data));
  const one = { worker, busy: 0 };
  worker.addEventListener("error", (event) => {
    // It could not be loaded; the next job starts another one.
    workers.splice(workers.indexOf(one), 1);
    for (const [id, tell] of waiting) tell({ id, ended: { failed: event.message || "the worker did not start" } });
  });
  workers.push(one);
  return one;
}

/** On one worker. Rejects where it failed or was stopped. */
function one(job: Job, { signal, progress, catalog }: How): Promise<Result> {
  const id = ++last;
  const at = freest();
  at.busy++;
  const order: Order = { id, job, architectures: catalog.architectures };
  const stop = () => at.worker.postMessage({ id } satisfies Order);
  return new Promise<Result>((settle, fail) => {
    waiting.set(id, ({ done, ended }) => {
      if (done !== undefined) progress(done);
      if (!ended) return;
      waiting.delete(id);
      if (ended.failed !== undefined || ended.stopped) fail(new Error(ended.failed ?? "stopped"));
      else settle(ended.result);
    });
    signal.addEventListener("abort", stop);
    at.worker.postMessage(order);
  }).finally(() => {
    at.busy--;
    signal.removeEventListener("abort", stop);
  });
}

/** A sweep is divided among the workers. */
export async function run(job: Job, how: How): Promise<Result> {
  if (job.kind !== "sweep") return one(job, how);
  const count = countOf(job.axes);
  const size = Math.max(leastChunk, Math.ceil(count / (most * shares)));
  const starts = Array.from({ length: Math.ceil(count / size) }, (_, i) => i * size);
  const done = starts.map(() => 0);
  const tell = (i: number) => (steps: number) => {
    done[i] = steps;
    how.progress(done.reduce((sum, steps) => sum + steps, 0));
  };
  const parts = await Promise.all(starts.map((from, i) => one({ ...job, from, to: Math.min(count, from + size) }, { ...how, progress: tell(i) })));
  return (parts as NonNullable<unknown>[][]).flat() as Result;
}
