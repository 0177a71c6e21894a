import { useEffect, useRef, useState } from "preact/hooks";
import { usePage } from "../../state/page";
import * as text from "../../text/starts";
import { useHistory } from "./history";
import { presets } from "./presets";
import { useRecent } from "./recent";
import "./style.css";

/** Whole questions to start from, and the way back from what was changed. */
export default function Starts() {
  const { load, form, restore, scenario, answer, stale, catalog } = usePage();
  const { canUndo, canRedo, undo, redo } = useHistory(form, restore);
  const { recent, forget } = useRecent(stale ? undefined : scenario, answer, catalog);
  const [said, setSaid] = useState("");
  const back = () => undo() && setSaid(text.undone);
  const again = () => redo() && setSaid(text.redone);
  useUndoKeys(back, again);
  const buttons = (rows: typeof recent | typeof presets) => rows.map((row) => {
    const title = "name" in row ? row.name : row.title;
    return <button key={title} type="button" onClick={() => load(row.scenario)}>{title}</button>;
  });
  return (
    <>
      <section class="starts" aria-label={text.changes}>
        <div>
          <button type="button" disabled={!canUndo} onClick={back}>{text.undo}</button>
          <button type="button" disabled={!canRedo} onClick={again}>{text.redo}</button>
        </div>
        <p class="unseen" role="status">{said}</p>
      </section>
      {recent.length > 0 && (
        <section class="starts" aria-label={text.recent}>
          <h2 aria-hidden="true">{text.recent}</h2>
          <div>
            {buttons(recent)}
            <button type="button" class="forget" onClick={forget}>{text.forget}</button>
          </div>
        </section>
      )}
      <section class="starts" aria-label={text.examples}>
        <h2 aria-hidden="true">{text.examples}</h2>
        <div>{buttons(presets)}</div>
      </section>
    </>
  );
}

/** Where text is typed, the browser's own undo works. */
function useUndoKeys(undo: () => void, redo: () => void) {
  const actions = useRef({ undo, redo });
  actions.current = { undo, redo };
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const key = event.key.toLowerCase();
      const typing = (event.target as Element).matches?.("textarea, input:not([type=radio], [type=checkbox])");
      if (typing || event.altKey || !(event.ctrlKey || event.metaKey) || !["z", "y"].includes(key)) return;
      event.preventDefault();
      if (key === "y" || event.shiftKey) actions.current.redo();
      else actions.current.undo();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
}
