// The engine that answers: what the page starts with, then each better one as it arrives.
import { useEffect, useState } from "preact/hooks";
import type { Engine } from "../engine/engine";

const pauseBeforeRetry = 5000;

/** `missing`: the last of them, which answers everything, could not be loaded so far; it is tried again. */
export function useEngine(start: Engine, later: (() => Promise<Engine>)[]): { engine: Engine; missing: boolean } {
  const [state, setState] = useState({ engine: start, missing: false });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let gone = false;
    const load = (i: number): void => {
      if (i === later.length) return void document.dispatchEvent(new CustomEvent("gpumem-engine", { bubbles: true }));
      later[i]().then(
        (engine) => {
          setState({ engine, missing: false });
          load(i + 1);
        },
        () => {
          // The next one answers whatever this one would have.
          if (i + 1 < later.length) return load(i + 1);
          setState(({ engine }) => ({ engine, missing: true }));
          if (!gone) timer = setTimeout(load, pauseBeforeRetry, i);
        },
      );
    };
    // The first answer is painted before anything else is read.
    if (document.hidden) load(0);
    else requestAnimationFrame(() => (timer = setTimeout(load, 0, 0)));
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, []);
  return state;
}
