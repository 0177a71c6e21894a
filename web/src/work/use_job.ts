// A job for what is on screen: begun again whenever that changes, stopped when it is not wanted any more.
import { useEffect, useRef, useState } from "preact/hooks";
import { usePage } from "../state/page";
import type { Job, Result } from "./jobs";
import { run } from "./pool";

const pause = 250;

export interface Progress {
  running: boolean;
  done: number;
  failed: string;
  /** Milliseconds that the last whole run took. */
  took?: number;
  cancel: () => void;
}

/** The last result stays until the next one is there; undefined for `job` leaves it and does nothing. */
export function useJob<Found extends Result>(job: Job | undefined): { result?: { of: Job; found: Found } } & Progress {
  const { catalog, estimate } = usePage();
  const [result, setResult] = useState<{ of: Job; found: Found }>();
  const [state, setState] = useState({ running: false, done: 0, failed: "", took: undefined as number | undefined });
  const control = useRef<AbortController>(undefined);
  const asked = JSON.stringify(job);
  useEffect(() => {
    if (!job) return;
    const { signal } = (control.current = new AbortController());
    const begin = () => {
      const started = performance.now();
      const now = (change: Partial<typeof state>) => signal.aborted || setState((before) => ({ ...before, ...change }));
      now({ running: true, done: 0, failed: "" });
      run(job, { signal, catalog, estimate, progress: (done) => now({ done }) }).then(
        (found) => {
          if (signal.aborted) return;
          setResult({ of: job, found: found as Found });
          now({ running: false, took: performance.now() - started });
        },
        (error: Error) => now({ running: false, failed: error.message }),
      );
    };
    const timer = setTimeout(begin, pause);
    return () => {
      clearTimeout(timer);
      control.current?.abort();
    };
  }, [asked, catalog]);
  const cancel = () => {
    control.current?.abort();
    setState((before) => ({ ...before, running: false }));
  };
  return { result, ...state, cancel };
}
