import { useEffect, useRef, useState } from "preact/hooks";
import { countText } from "../../format/counts";
import { usePage } from "../../state/page";
import { findModels, resolveModel } from "../../state/search";
import * as text from "../../text/en";
import { described, Frame } from "../Field";
import "./style.css";

export const searchId = "model-search";

const list = `${searchId}-list`;
const all = 1000;

/** A text field with a list below it: what is typed is the model's name, the list helps to finish it. */
export function ModelSearch() {
  const { form, set, catalog, issues } = usePage();
  const typed = form.values["model.id"] ?? "";
  const [open, setOpen] = useState(false);
  const [searching, setSearching] = useState(false);
  const [at, setAt] = useState(0);
  const marked = useRef<HTMLLIElement>(null);
  const known = catalog.models[form.values["model.preview"] || resolveModel(typed, catalog.models)];
  // Just opened, the list offers everything; once something is typed, what reads like it.
  const found = open ? findModels(searching ? typed : "", catalog.models, all) : [];
  useEffect(() => marked.current?.scrollIntoView({ block: "nearest" }), [at, open]);

  /** The answer is that of the marked model while the list is open; only a choice changes the text. */
  const mark = (i: number, ids = found) => {
    setAt(i);
    set({ "model.preview": ids[i] ?? "" });
  };
  const close = () => {
    setOpen(false);
    set({ "model.preview": "" });
  };
  const choose = (id: string) => {
    setOpen(false);
    set({ "model.id": id, "model.preview": "" });
  };
  const show = (event: { currentTarget: HTMLInputElement }) => {
    setSearching(false);
    setAt(Math.max(0, findModels("", catalog.models, all).indexOf(typed)));
    setOpen(true);
    event.currentTarget.select();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step) {
      event.preventDefault();
      if (open) mark(Math.min(found.length - 1, Math.max(0, at + step)));
      else setOpen(true);
    } else if (event.key === "Enter" && open && found[at]) choose(found[at]);
    else if (event.key === "Escape") close();
  };

  return (
    <Frame id={searchId} path="model.id" label={text.modelNames.id} hint={known && text.parameters(countText(known.parameters))}>
      <div class="search">
        <input {...described(searchId, "model.id" in issues)} role="combobox" aria-expanded={open} aria-controls={list} aria-autocomplete="list"
          aria-activedescendant={found[at] && `${list}-${at}`} autocomplete="off" spellcheck={false} placeholder={text.searchHint} value={typed}
          onFocus={show} onClick={() => setOpen(true)} onBlur={close} onKeyDown={onKeyDown}
          onInput={(event) => {
            const text = event.currentTarget.value;
            set({ "model.id": text });
            setSearching(true);
            setOpen(true);
            mark(0, findModels(text, catalog.models));
          }} />
        <ul id={list} role="listbox" aria-label={text.model} hidden={!open}>
          {found.map((id, i) => (
            <li key={id} id={`${list}-${i}`} ref={i === at ? marked : undefined} role="option" aria-selected={i === at}
              onMouseDown={(event) => {
                event.preventDefault();
                choose(id);
              }}>
              <span>{id}</span>
              <span>{countText(catalog.models[id].parameters)}</span>
            </li>
          ))}
          {open && found.length === 0 && <li class="none">{text.noMatch}</li>}
        </ul>
      </div>
    </Frame>
  );
}
