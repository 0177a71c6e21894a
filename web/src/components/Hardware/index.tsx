import { usePage } from "../../state/page";
import * as text from "../../text/en";
import { makerName } from "../../text/words";
import { Choice } from "../Choice";
import { described, Frame } from "../Field";

const makerOf = (id: string) => id.split("/")[0];

/** A card of the catalog, each with whether this fits on it, or a size typed by hand. */
export function Hardware() {
  const { form, set, catalog, issues, differences } = usePage();
  const by = form.values["hardware.by"];
  const value = form.values[`hardware.${by}`] ?? "";
  const ids = Object.keys(catalog.gpus).sort((a, b) => Number.parseInt(catalog.gpus[a].memory) - Number.parseInt(catalog.gpus[b].memory));
  const makers = [...new Set(Object.keys(catalog.gpus).map(makerOf))];
  const fits = differences["hardware.gpu"] ?? {};
  const label = (id: string) => {
    const { name, memory } = catalog.gpus[id];
    return `${name} · ${memory}${id !== value && fits[id]?.fits ? ` · ${text.optionFits}` : ""}`;
  };
  return (
    <section aria-label={text.hardware}>
      <h2 aria-hidden="true">{text.hardware}</h2>
      <Choice label={text.hardware} name="hardware" words={text.hardwareBy} value={by} onChoose={(word) => set({ "hardware.by": word })} />
      {by === "gpu" ? (
        <Frame id="hardware-gpu" path="hardware.gpu" label={text.hardwareNames.gpu}>
          <select {...described("hardware-gpu", "hardware.gpu" in issues)} value={value} onChange={(event) => set({ "hardware.gpu": event.currentTarget.value })}>
            {!ids.includes(value) && <option value={value}>{value}</option>}
            {makers.map((maker) => (
              <optgroup key={maker} label={makerName(maker)}>
                {ids.filter((id) => makerOf(id) === maker).map((id) => <option key={id} value={id}>{label(id)}</option>)}
              </optgroup>
            ))}
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
