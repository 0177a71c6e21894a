import { useState } from "preact/hooks";
import type { Engine } from "../../engine/engine";
import type { Advice, Fit, Scenario } from "../../engine/types";
import { sizeText } from "../../format/bytes";
import { grouped } from "../../format/counts";
import { usePage } from "../../state/page";
import { merged } from "../../state/paths";
import * as text from "../../text/questions";
import { spokenName } from "../../text/words";
import { useQuestions } from "./asked";

const most = 3;

export function Panel({ engine }: { engine: Engine }) {
  const { load, answer, unit } = usePage();
  const asked = useQuestions(engine);
  const [last, setLast] = useState<{ name: string; before: Scenario }>();
  if (!asked) return null;
  const { scenario, fit, advice = [] } = asked;
  const applyChange = ({ id, change }: Advice) => {
    setLast({ name: text.changeName(id), before: scenario });
    load(merged(scenario, change) as Scenario);
  };
  const undo = (before: Scenario) => {
    setLast(undefined);
    load(before);
  };
  const fits = answer?.devices[0].fits;
  return (
    <>
      {last && (
        <p class="changed" role="status">
          {text.applied(last.name)} <button type="button" onClick={() => undo(last.before)}>{text.undo}</button>
        </p>
      )}
      {fit && fits && <p class="grows">{roomOf(fit, scenarioOfAnswer(answer?.scenario))}</p>}
      <ul>
        {advice.slice(0, most).map((one) => (
          <li key={one.id}>
            {text.changeName(one.id)} {text.saves(sizeText(one.savesBytes, unit))}
            {one.fits !== undefined && <b>{one.fits ? text.enough : text.notEnough}</b>}
            <button type="button" onClick={() => applyChange(one)}>{text.apply}</button>
            <small>{costsOf(one)}</small>
          </li>
        ))}
      </ul>
      {fit && <Figures fit={fit} />}
    </>
  );
}

function Figures({ fit }: { fit: Fit }) {
  const rows: [string, string, string?][] = [];
  if (fit.gpusNeeded !== undefined) rows.push([text.gpusNeeded, grouped(fit.gpusNeeded)]);
  for (const [key, name] of Object.entries(text.growthNames)) {
    const figure = fit[key as keyof Fit];
    if (typeof figure === "number") rows.push([name, grouped(figure), fit.limits[key]]);
  }
  if (fit.trainedTokens !== undefined) rows.push([text.trainedTokens, grouped(fit.trainedTokens)]);
  if (fit.largestWeights) rows.push([text.largestWeights, fit.largestWeights]);
  if (typeof fit.maxGpuLayers === "number") rows.push([text.maxGpuLayers, grouped(fit.maxGpuLayers)]);
  return (
    <details>
      <summary>{text.title}</summary>
      <dl>
        {rows.map(([name, figure, by]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {figure}
              {by && <small> {text.limitedBy(spokenName(by))}</small>}
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

/** The numbers of the completed scenario, which has the defaults too. */
const scenarioOfAnswer = (scenario?: Scenario) => ({ ...scenario?.inference, ...scenario?.training }) as Record<string, number>;

function roomOf({ maxSequences = 0, maxContextTokens = 0, maxMicroBatch = 0 }: Fit, { sequences = 1, contextTokens = 0, microBatch = 0 }: Record<string, number>): string {
  if (maxMicroBatch > microBatch) return text.roomForBatch(maxMicroBatch);
  const [more, tokens] = [maxSequences - sequences, (maxContextTokens - contextTokens) * sequences];
  return more > 0 || tokens > 0 ? text.roomFor(more, tokens) : "";
}

const costsOf = ({ costs }: Advice) =>
  Object.entries(text.costs)
    .flatMap(([key, name]) => (costs[key as keyof typeof costs] ? [`${name}: ${costs[key as keyof typeof costs]}`] : []))
    .join(". ");
