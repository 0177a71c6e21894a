import type { ComponentChildren } from "preact";
import { changeText } from "../../format/bytes";
import type { Difference } from "../../state/answer";
import type { Field as FieldRow } from "../../state/field";
import { usePage } from "../../state/page";
import { valueAt } from "../../state/paths";
import { weightGroup } from "../../state/traits";
import * as text from "../../text/en";
import { fieldDefaults, fieldHint, fieldName } from "../../text/fields";
import { optionName, weightGroups } from "../../text/words";
import "./style.css";

export const idOf = (key: string) => `field-${key.replaceAll(".", "-")}`;

interface FrameProps {
  id: string;
  path: string;
  label: string;
  hint?: string;
  children: ComponentChildren;
}

/** A label, its control, and below it what is wrong or worth knowing. */
export function Frame({ id, path, label, hint, children }: FrameProps) {
  const wrong = usePage().issues[path];
  return (
    <div class={`field${wrong ? " wrong" : ""}`}>
      <label for={id}>{label}</label>
      {children}
      <p class="note" id={`${id}-note`} role={wrong ? "alert" : undefined}>{wrong ? wrong.join(" ") : hint}</p>
    </div>
  );
}

/** What ties a control to the note of its frame. */
export const described = (id: string, wrong: boolean) => ({ id, "aria-describedby": `${id}-note`, "aria-invalid": wrong });

export function Field({ field }: { field: FieldRow }) {
  const page = usePage();
  const { key, path, also } = field;
  const id = idOf(key);
  const typed = page.form.values[key] ?? "";
  const { scenario } = page.answer ?? {};
  const engine = scenario?.engine?.name ?? "";
  const implied = impliedBy(valueAt(scenario, path) ?? valueAt(scenario, also?.[engine] ?? "")) || fieldDefaults[key] || "";
  const tied = described(id, path in page.issues);
  const change = (value: string) => page.set({ [key]: value });

  return (
    <Frame id={id} path={path} label={fieldName(key, engine)} hint={fieldHint(key, engine)}>
      {field.kind === "flag" ? (
        <input {...tied} type="checkbox" checked={typed === "true"} onChange={(event) => change(event.currentTarget.checked ? "true" : "")} />
      ) : field.words ? (
        <Menu tied={tied} value={typed || implied} words={field.words(page.words, page.form.values)} name={(word) => optionName(key, word, page.words)} changes={page.differences[key]} groups={key === "weights"} onChoose={change} />
      ) : (
        <input {...tied} inputMode={inputModes[field.kind] ?? "text"} autocomplete="off" spellcheck={false} value={typed}
          placeholder={implied && text.byDefault(implied)} onInput={(event) => change(event.currentTarget.value)} />
      )}
    </Frame>
  );
}

const inputModes: Record<string, "numeric" | "decimal"> = { count: "numeric", number: "decimal" };
/** Shares that an engine works out have many digits. */
const numberText = (value: number) => String(value % 1 ? Number(value.toPrecision(4)) : value);
const impliedBy = (value: unknown) => (Array.isArray(value) ? value.join(", ") : typeof value === "object" ? "" : typeof value === "number" ? numberText(value) : String(value ?? ""));

interface MenuProps {
  tied: ReturnType<typeof described>;
  value: string;
  words: string[];
  name: (word: string) => string;
  changes?: Record<string, Difference>;
  groups?: boolean;
  onChoose: (word: string) => void;
}

/** Each option says what it would change. A word that no option has (from a link) stays, so that it can be marked. */
export function Menu({ tied, value, words, name, changes, groups, onChoose }: MenuProps) {
  const { unit } = usePage();
  const label = (word: string) => {
    if (word === "") return text.unsaid;   // before the first answer, which says what is used
    const change = changes?.[word];
    if (word === value || !change) return name(word);
    return `${name(word)}   ${change.bytes === undefined ? `(${text.optionRefused})` : changeText(change.bytes, unit)}`;
  };
  const options = (words: string[]) => words.map((word) => <option key={word} value={word}>{label(word)}</option>);
  const all = words.includes(value) ? words : [value, ...words];
  return (
    <select {...tied} value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
      {groups ? Object.entries(weightGroups).map(([group, title]) => <optgroup key={group} label={title}>{options(all.filter((word) => weightGroup(word) === group))}</optgroup>) : options(all)}
    </select>
  );
}
