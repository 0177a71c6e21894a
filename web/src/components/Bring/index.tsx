import { useEffect, useRef, useState } from "preact/hooks";
import type { Scenario } from "../../engine/types";
import type { Given } from "../../import/given";
import type { Choices } from "../../import/hub";
import { usePage } from "../../state/page";
import * as text from "../../text/import";
import { applied } from "./apply";
import { type Handed, readHanded, readTyped, settings } from "./read";
import "./style.css";

const typedKey = "model.bring";

/** One place for everything that somebody has in hand: files, links, commands, configurations. */
export default function Bring({ opener }: { opener?: unknown }) {
  const { form, set, load, scenario, catalog } = usePage();
  const typed = form.values[typedKey] ?? "";
  const [busy, setBusy] = useState("");
  const [problem, setProblem] = useState("");
  const [said, setSaid] = useState<Given>();
  const [choices, setChoices] = useState<string[]>([]);
  const running = useRef<AbortController>(undefined);

  const work = async (read: (signal: AbortSignal) => Promise<Given | Choices>) => {
    running.current?.abort();
    const control = new AbortController();
    running.current = control;
    setBusy(text.reading("…"));
    setProblem("");
    setSaid(undefined);
    setChoices([]);
    try {
      const given = await read(control.signal);
      if (running.current !== control || control.signal.aborted) return;
      if ("files" in given) return setChoices(given.files);
      const { scenario: whole, values } = applied(given, form.values, scenario);
      if (whole) load(whole as unknown as Scenario);
      set({ ...values, [typedKey]: typed });
      setSaid(given);
    } catch (error) {
      if (running.current === control) setProblem(control.signal.aborted ? text.cancelled : (error as Error).message);
    } finally {
      if (running.current === control) setBusy("");
    }
  };
  const progress = (name: string) => setBusy(text.reading(name));
  const read = (what = typed) => void work((signal) => readTyped(what, catalog.models, { signal, progress }));
  const hand = (handed: Handed) => void work(() => readHanded(handed, catalog.models));
  useEffect(() => {
    if (typeof opener === "object" && opener !== null) hand(opener as Handed);
  }, [opener]);

  return (
    <div class="brought">
      <label for="bring-text">{text.place}</label>
      <textarea id="bring-text" aria-describedby="bring-hint bring-problem" aria-invalid={problem !== ""} rows={2} spellcheck={false} autocomplete="off" value={typed}
        onInput={(event) => set({ [typedKey]: event.currentTarget.value })}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || (typed.includes("\n") && !event.ctrlKey)) return;
          event.preventDefault();
          if (typed.trim()) read();
        }} />
      <p class="note" id="bring-hint">{text.hint}</p>
      <div class="row">
        <button type="button" disabled={!typed.trim() || busy !== ""} onClick={() => read()}>{text.readIt}</button>
        <Chooser label={text.chooseFiles} onFiles={(files) => hand({ files })} />
        <Chooser label={text.chooseFolder} folder onFiles={(files) => hand({ files })} />
        {busy && <button type="button" onClick={() => running.current?.abort()}>{text.cancel}</button>}
      </div>
      <p class="note" role="status">{busy || (said ? text.done(said.name) : "")}</p>
      <p class="refusal" id="bring-problem" role="alert">{problem}</p>
      {choices.length > 0 && (
        <fieldset class="choices">
          <legend>{text.chooseOne}</legend>
          {choices.map((file) => <button type="button" key={file} onClick={() => void work((signal) => readTyped(typed, catalog.models, { signal, progress }, file))}>{file}</button>)}
        </fieldset>
      )}
      {said?.notes.map((note) => <p key={note} class="note">{note}</p>)}
      <details>
        <summary>{text.hubSettings}</summary>
        <Setting name="token" label={text.token} hint={text.tokenHint} />
        <Setting name="mirror" label={text.mirror} hint={text.mirrorHint} />
      </details>
    </div>
  );
}

function Chooser({ label, folder, onFiles }: { label: string; folder?: boolean; onFiles: (files: File[]) => void }) {
  const choose = (input: HTMLInputElement) => {
    const files = [...(input.files ?? [])];
    input.value = "";   // so that the same file can be chosen again
    if (files.length > 0) onFiles(files);
  };
  return (
    <label class="file">
      {label}
      <input type="file" multiple {...(folder && { webkitdirectory: true })} onChange={(event) => choose(event.currentTarget)} />
    </label>
  );
}

const kinds = { token: { type: "password" as const }, mirror: { type: "url" as const, placeholder: "https://huggingface.co" } };

/** Kept in the tab's memory and nowhere else. */
function Setting({ name, label, hint }: { name: keyof typeof settings; label: string; hint: string }) {
  const [value, setValue] = useState(settings[name]);
  const change = (typed: string) => {
    settings[name] = typed.trim();
    setValue(typed);
  };
  return (
    <div class="field">
      <label for={`bring-${name}`}>{label}</label>
      <input id={`bring-${name}`} {...kinds[name]} autocomplete="off" spellcheck={false} aria-describedby={`bring-${name}-hint`} value={value}
        onInput={(event) => change(event.currentTarget.value)} />
      <p class="note" id={`bring-${name}-hint`}>{hint}</p>
    </div>
  );
}
