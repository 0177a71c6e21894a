// The engine that answers: the small one that the page starts with, then the whole one.
import { useEffect, useState } from "preact/hooks";
import type { Engine } from "../engine/engine";

const pauseBeforeRetry = 5000;

/** `missing`: the whole engine could not be loaded so far; it is tried again. */
export function useEngine(start: Engine, whole?: () => Promise<Engine>): { engine: Engine; missing: boolean } {
  const [state, setState] = useState({ engine: start, missing: false });
  useEffect(() => {
    if (!whole) return;
    let timer: ReturnType<typeof setTimeout>;
    let gone = false;
    const load = () =>
      whole().then(
        (engine) => {
          setState({ engine, missing: false });
          document.dispatchEvent(new CustomEvent("gpumem-engine", { bubbles: true }));
        },
        () => {
          setState({ engine: start, missing: true });
          if (!gone) timer = setTimeout(load, pauseBeforeRetry);
        },
      );
    // The first answer is painted before anything else is read.
    if (document.hidden) void load();
    else requestAnimationFrame(() => (timer = setTimeout(load)));
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, []);
  return state;
}
