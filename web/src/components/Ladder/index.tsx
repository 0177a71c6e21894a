import { useMemo } from "preact/hooks";
import type { Estimate, Scenario } from "../../engine/types";
import { sizeText } from "../../format/bytes";
import { usePage } from "../../state/page";
import * as text from "../../text/ladder";
import { optionName } from "../../text/words";
import { methods, rung, savingsWith } from "./rungs";
import "./style.css";

/** What each method takes for the model and the card on screen. */
export default function Ladder() {
  const { scenario, answer, estimate, catalog, words } = usePage();
  const asked = JSON.stringify(scenario);
  const savings = savingsWith(words.optimizers.map(({ id }) => id));
  const rows = useMemo(
    () => methods.map((method) => ({ method, cells: savings.map(({ id, training }) => cellOf(id, scenario && rung(scenario, method, training), estimate)) })),
    [asked, catalog],
  );
  const now = answer?.devices[0].processBytes.expected;
  return (
    <div class="ladder">
      <p class="note">{text.hint}</p>
      <div class="scroll" tabIndex={0} role="region" aria-label={text.method}>
        <table>
          <thead>
            <tr>
              <th scope="col">{text.method}</th>
              {savings.map(({ id }) => <th key={id} scope="col" class="number">{text.savings[id]}</th>)}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ method, cells }) => (
              <tr key={method}>
                <th scope="row">{optionName("training.method", method, words)}</th>
                {cells.map((cell) => <td key={cell.id} class="number"><Rung {...cell} now={now} /></td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

interface Cell {
  id: string;
  scenario?: Scenario;
  estimate?: Estimate;
}

const cellOf = (id: string, scenario: Scenario | undefined, estimate: (scenario: Scenario) => Estimate): Cell => ({ id, scenario, estimate: scenario && estimate(scenario) });

function Rung({ scenario, estimate, now }: Cell & { now?: number }) {
  const { load, unit } = usePage();
  if (!scenario || !estimate?.ok) return <span title={estimate && !estimate.ok ? estimate.issues.map(({ message }) => message).join(" ") : undefined}>{text.refused}</span>;
  const device = estimate.devices.find(({ fits }) => fits === false) ?? estimate.devices[0];
  const { expected } = device.processBytes;
  const kind = device.fits === undefined ? "" : device.fits ? "good" : "bad";
  const verdict = device.fits === undefined ? "" : device.fits ? text.fits : text.fitsNot;
  return (
    <button type="button" class={expected === now ? "now" : undefined} aria-current={expected === now || undefined} onClick={() => load(scenario)}>
      {sizeText(expected, unit)} <small class={kind}>{expected === now ? `${text.now}, ${verdict}` : verdict}</small>
    </button>
  );
}
