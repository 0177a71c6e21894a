// What the form has been, to go back to and forward again.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Form } from "../../state/form";

const most = 100;
/** Typing within one field is one change as long as it does not pause for so long. */
const pause = 1000;

interface Steps {
  past: Form[];
  future: Form[];
}

export function useHistory(form: Form, restore: (form: Form) => void) {
  const steps = useRef<Steps>({ past: [], future: [] }).current;
  const last = useRef(settled(form));
  const typed = useRef({ keys: "", at: 0 });
  const [, setCount] = useState(0);

  useEffect(() => {
    const now = settled(form);
    const keys = changedKeys(last.current, now);
    if (keys === "") return;
    const time = performance.now();
    const goesOn = keys === typed.current.keys && time - typed.current.at < pause;
    typed.current = { keys, at: time };
    if (!goesOn) steps.past = [...steps.past, last.current].slice(-most);
    steps.future = [];
    last.current = now;
    setCount((count) => count + 1);
  }, [form]);

  const go = (from: keyof Steps, to: keyof Steps) => {
    const form = steps[from].at(-1);
    if (!form) return false;
    steps[from] = steps[from].slice(0, -1);
    steps[to] = [...steps[to], last.current];
    last.current = form;
    typed.current.keys = "";
    restore(form);
    setCount((count) => count + 1);
    return true;
  };
  return { canUndo: steps.past.length > 0, canRedo: steps.future.length > 0, undo: () => go("past", "future"), redo: () => go("future", "past") };
}

/** Rows that were only looked at in an open list are no change. */
const settled = ({ values, rest }: Form): Form => ({ rest, values: Object.fromEntries(Object.entries(values).filter(([key, text]) => !key.endsWith(".preview") && text !== "")) });

/** Which fields differ, as one text; "rest" where that does. */
function changedKeys(before: Form, now: Form): string {
  const keys = [...new Set([...Object.keys(before.values), ...Object.keys(now.values)])].filter((key) => before.values[key] !== now.values[key]);
  return [...keys, ...(JSON.stringify(before.rest) === JSON.stringify(now.rest) ? [] : ["rest"])].join(" ");
}
