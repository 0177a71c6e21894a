import { changeText } from "../../format/bytes";
import { methodKey } from "../../state/field";
import { usePage } from "../../state/page";
import * as text from "../../text/en";
import { optionName } from "../../text/words";
import { Choice } from "../Choice";
import "./style.css";

/** What is trained: every parameter, or adapters beside a frozen base; each choice with what it would change. */
export function Method() {
  const { form, set, words, differences, issues, unit } = usePage();
  const value = form.values[methodKey] || words.methods[0];
  const known = words.methods.includes(value) ? words.methods : [...words.methods, value];
  const names = Object.fromEntries(known.map((method) => [method, optionName(methodKey, method, words)]));
  const noted = Object.entries(differences[methodKey] ?? {}).filter(([method]) => method !== value);
  const notes = Object.fromEntries(noted.map(([method, { bytes }]) => [method, bytes === undefined ? "–" : changeText(bytes, unit)]));
  return (
    <div class="method">
      <Choice label={text.method} name="method" words={names} notes={notes} value={value} onChoose={(method) => set({ [methodKey]: method })} />
      {issues[methodKey] && <p class="refusal" role="alert">{issues[methodKey].join(" ")}</p>}
    </div>
  );
}
