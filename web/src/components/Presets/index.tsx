import { usePage } from "../../state/page";
import { presets } from "../../state/presets";
import * as text from "../../text/en";
import "./style.css";

/** Whole questions to start from. */
export function Presets() {
  const { load } = usePage();
  return (
    <section class="presets" aria-label={text.presetsTitle}>
      <h2 aria-hidden="true">{text.presetsTitle}</h2>
      <div>
        {presets.map(({ name, scenario }) => (
          <button key={name} type="button" onClick={() => load(scenario)}>{name}</button>
        ))}
      </div>
    </section>
  );
}
