import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Entry, search } from "../../catalog/search";
import { idOf } from "../../catalog/named";
import { previewOf } from "../../state/form";
import { usePage } from "../../state/page";
import * as text from "../../text/en";
import { described, Frame } from "../Field";
import "./style.css";

interface Props<Row extends Entry> {
  id: string;
  /** Of the scenario, and of the form's text. */
  path: string;
  label: string;
  placeholder?: string;
  rows: Row[];
  byId: Record<string, object>;
  hint?: string;
  /** The columns of a row in the list: its name, and what else tells it apart. */
  columns: (row: Row) => [string, string?];
  none: string;
}

// A list of hundreds of rows takes longer to draw than to find.
const most = 60;

/** A text field with a list below it: what is typed is searched, and the answer shown is that of the marked row. */
export function Search<Row extends Entry>({ id, path, label, placeholder, rows, byId, hint, columns, none }: Props<Row>) {
  const { form, set, issues } = usePage();
  const preview = previewOf(path);
  const typed = form.values[path] ?? "";
  const [open, setOpen] = useState(false);
  const [searching, setSearching] = useState(false);
  const [at, setAt] = useState(0);
  const marked = useRef<HTMLLIElement>(null);
  const list = `${id}-list`;
  const query = searching ? typed : "";
  // Just opened, the list offers everything around the present row; once something is typed, what reads like it.
  const found = useMemo(() => (open ? search(query, rows) : []), [open, query, rows]);
  const from = Math.max(0, Math.min(at - most / 2, found.length - most));
  useEffect(() => marked.current?.scrollIntoView({ block: "nearest" }), [at, open]);

  const nameOf = (id: string) => (Object.hasOwn(byId, id) && (byId[id] as { name?: string }).name) || id;
  const mark = (i: number, among = found) => {
    setAt(i);
    set({ [preview]: among[i]?.id ?? "" });
  };
  const close = () => {
    setOpen(false);
    set({ [preview]: "" });
  };
  const choose = (row: Row) => {
    setOpen(false);
    set({ [path]: row.id, [preview]: "" });
  };
  const show = () => {
    setSearching(false);
    setAt(Math.max(0, rows.findIndex((row) => row.id === idOf(typed, byId))));
    setOpen(true);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step) {
      event.preventDefault();
      if (open) mark(Math.min(found.length - 1, Math.max(0, at + step)));
      else show();
    } else if (event.key === "Enter" && open) {
      // Whoever types faster than the list is drawn means what is typed.
      const { value } = event.currentTarget as HTMLInputElement;
      const row = value === nameOf(typed) ? found[at] : search(value, rows)[0];
      if (row) choose(row);
    }
    if (event.key === "Escape") close();
  };

  return (
    <Frame id={id} path={path} label={label} hint={hint}>
      <div class="search">
        <input {...described(id, path in issues)} role="combobox" aria-expanded={open} aria-controls={list} aria-autocomplete="list"
          aria-activedescendant={found[at] && `${list}-${at}`} autocomplete="off" spellcheck={false} placeholder={placeholder}
          value={nameOf(typed)}
          onFocus={(event) => {
            show();
            event.currentTarget.select();
          }}
          onClick={() => open || show()} onBlur={close} onKeyDown={onKeyDown}
          onInput={(event) => {
            const query = event.currentTarget.value;
            set({ [path]: query });
            setSearching(true);
            setOpen(true);
            mark(0, search(query, rows));
          }} />
        <ul id={list} role="listbox" aria-label={label} hidden={!open}>
          {found.slice(from, from + most).map((row, i) => {
            const [name, more] = columns(row);
            return (
              <li key={row.id} id={`${list}-${from + i}`} ref={from + i === at ? marked : undefined} role="option" aria-selected={from + i === at}
                onMouseDown={(event) => {
                  event.preventDefault();
                  choose(row);
                }}>
                <span>{name}</span>
                <span>{more}</span>
              </li>
            );
          })}
          {open && found.length === 0 && <li class="none" role="option" aria-disabled="true" aria-selected={false}>{none}</li>}
          {found.length > from + most && <li class="none" aria-hidden="true">{text.moreRows(found.length - from - most)}</li>}
        </ul>
      </div>
    </Frame>
  );
}
