import { usePage } from "../../state/page";
import * as text from "../../text/en";
import { Choice } from "../Choice";
import { described, Frame } from "../Field";

/** A card of the catalog, each with whether this fits on it, or a size typed by hand. */
export function Hardware() {
  const { form, set, catalog, issues, differences } = usePage();
  const by = form.values["hardware.by"];
  const value = form.values[`hardware.${by}`] ?? "";
  const ids = Object.keys(catalog.gpus).sort((a, b) => Number.parseInt(catalog.gpus[a].memory) - Number.parseInt(catalog.gpus[b].memory));
  const fits = differences["hardware.gpu"] ?? {};
  const label = (id: string) => {
    const row = catalog.gpus[id];
    return row ? `${row.name} · ${row.memory}${id !== value && fits[id]?.fits ? ` · ${text.optionFits}` : ""}` : id;
  };
  return (
    <section aria-label={text.hardware}>
      <h2 aria-hidden="true">{text.hardware}</h2>
      <Choice label={text.hardware} name="hardware" words={text.hardwareBy} value={by} onChoose={(word) => set({ "hardware.by": word })} />
      {by === "gpu" ? (
        <Frame id="hardware-gpu" path="hardware.gpu" label={text.hardwareNames.gpu}>
          <select {...described("hardware-gpu", "hardware.gpu" in issues)} value={value} onChange={(event) => set({ "hardware.gpu": event.currentTarget.value })}>
            {(ids.includes(value) ? ids : [value, ...ids]).map((id) => <option key={id} value={id}>{label(id)}</option>)}
          </select>
        </Frame>
      ) : (
        <Frame id="hardware-memory" path="hardware.memory" label={text.hardwareNames.memory} hint={text.memoryNote}>
          <input {...described("hardware-memory", "hardware.memory" in issues)} autocomplete="off" placeholder={text.memoryHint} value={value}
            onInput={(event) => set({ "hardware.memory": event.currentTarget.value })} />
        </Frame>
      )}
    </section>
  );
}
