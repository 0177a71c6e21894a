import { useMemo } from "preact/hooks";
import { idOf } from "../../catalog/named";
import { previewOf } from "../../state/form";
import { usePage, useShownFields } from "../../state/page";
import * as text from "../../text/en";
import { Choice } from "../Choice";
import { described, Field, Frame } from "../Field";
import { Search } from "../Search";

/** A card of the catalog, each with whether this fits on it, or a size typed by hand. */
export function Hardware() {
  const { form, set, catalog, issues, differences } = usePage();
  const { gpus } = catalog;
  const by = form.values["hardware.by"];
  const value = form.values[`hardware.${by}`] ?? "";
  const rows = useMemo(() => Object.entries(gpus).map(([id, { name }]) => ({ id, name })), [gpus]);
  const fits = differences["hardware.gpu"] ?? {};
  const chosen = gpus[form.values[previewOf("hardware.gpu")] || idOf(value, gpus)];
  const shown = useShownFields().filter(({ place }) => place === "hardware");
  const folded = shown.filter((field) => field.folded);
  return (
    <section aria-label={text.hardware}>
      <h2 aria-hidden="true">{text.hardware}</h2>
      <Choice label={text.hardware} name="hardware" words={text.hardwareBy} value={by} onChoose={(word) => set({ "hardware.by": word })} />
      {by === "gpu" ? (
        <Search id="hardware-gpu" path="hardware.gpu" label={text.hardwareNames.gpu} placeholder={text.cardHint} rows={rows} byId={gpus} none={text.noCard}
          hint={chosen?.memory} columns={({ id, name }) => [name, `${gpus[id].memory}${fits[id]?.fits ? ` · ${text.optionFits}` : ""}`]} />
      ) : (
        <Frame id="hardware-memory" path="hardware.memory" label={text.hardwareNames.memory} hint={text.memoryNote}>
          <input {...described("hardware-memory", "hardware.memory" in issues)} autocomplete="off" placeholder={text.memoryHint} value={value}
            onInput={(event) => set({ "hardware.memory": event.currentTarget.value })} />
        </Frame>
      )}
      {shown.filter((field) => !field.folded).map((field) => <Field key={field.key} field={field} />)}
      {folded.length > 0 && <details class="more" open={folded.some(({ path }) => path in issues) || undefined}>
        <summary>{text.moreSplits}</summary>
        {folded.map((field) => <Field key={field.key} field={field} />)}
      </details>}
    </section>
  );
}
