import { useState } from "preact/hooks";
import type { Bytes, Scenario } from "../../engine/types";
import { axisTicks, sizeNumber, sizeText } from "../../format/bytes";
import { usePage } from "../../state/page";
import { setAt } from "../../state/paths";
import { asNeeded, type Outcome } from "../../sweep/figures";
import { limit } from "../../text/en";
import * as text from "../../text/sweep";
import { optionName, shortName } from "../../text/words";
import { areas } from "../Timeline/shape";
import { type Named, valueText } from "./named";

const height = 160;
const mostMarks = 12;

/** A column for each value, stacked by part as everywhere, against the limit. */
export function Line({ axis: { key, path, values, name }, outcomes }: { axis: Named; outcomes: Outcome[] }) {
  const { unit, words, scenario, load } = usePage();
  const [pointed, setPointed] = useState<number>();
  const known = outcomes.map((one) => ("refused" in one ? undefined : asNeeded(one)));
  const usable = known.find((one) => one?.usable !== undefined)?.usable;
  const most = Math.max(...known.map((one) => one?.high ?? 0));
  if (most === 0) return <p role="status">{outcomes.map((one) => ("refused" in one ? one.refused : "")).find(Boolean)}</p>;
  // One far off would leave nothing to see of the others, or of the limit.
  const top = Math.max(most, Math.min(usable ?? 0, most * 4)) * 1.08;
  const columns = known.map((one) => ({ components: one ? { ...one.components, overhead: one.expected - one.allocated } : ({} as Record<string, Bytes>) }));
  const ids = [...new Set(columns.flatMap(({ components }) => Object.keys(components)))].sort((a, b) => Number(a === "overhead") - Number(b === "overhead"));
  const label = (value: unknown) => optionName(key, valueText(value), words);
  const above = (bytes: Bytes) => ({ bottom: `${(bytes / top) * 100}%` });
  const said = (i: number) => {
    const one = known[i];
    return `${label(values[i])}: ${one ? `${sizeText(one.expected, unit, 2)}${fitText(one.fits)}` : text.refused}`;
  };
  const through = [0, known.length - 1].map((i) => ({ value: label(values[i]), size: known[i] ? sizeText(known[i].expected, unit) : text.refused }));
  const told = pointed !== undefined && known[pointed] ? pointed : undefined;
  const step = Math.ceil(values.length / mostMarks);
  const use = (value: unknown) => {
    const changed = structuredClone(scenario) as unknown as Record<string, unknown>;
    setAt(changed, path, value);
    load(changed as unknown as Scenario);
  };
  return (
    <section class="timeline line">
      <h3>{text.chart(name)} <output aria-live="off">{told === undefined ? "" : said(told)}</output></h3>
      <div class="plot">
        {axisTicks(top, unit, 3).map((tick) => <span key={tick} class="tick" style={above(tick)}>{sizeNumber(tick, unit, 1).replace(/\.0$/, "")}</span>)}
        <svg viewBox={`0 0 ${values.length} ${height}`} preserveAspectRatio="none" role="img"
          aria-label={`${text.chart(name)}: ${text.summary(through[0].value, through[0].size, through[1].value, through[1].size)}. ${fitSummary(known.map((one) => one?.fits), values.map(label))}`}
          onPointerMove={(event) => setPointed(Math.floor((event.offsetX / event.currentTarget.clientWidth) * values.length))}
          onPointerLeave={() => setPointed(undefined)}>
          {areas(columns, ids, top, height).map(({ id, path }) => <path key={id} class={`c-${id}`} d={path} />)}
        </svg>
        {usable !== undefined && usable <= top && <div class="cap" style={above(usable)}><span>{limit}</span></div>}
        {told !== undefined && <div class="here" style={{ left: `${((told + 0.5) / values.length) * 100}%` }} />}
      </div>
      <ol class="marks" aria-hidden="true">
        {values.map((value, i) => <li key={i}>{i % step === 0 && <span>{label(value)}</span>}</li>)}
      </ol>
      <p class="legend">
        {ids.map((id) => <span key={id}><i class={`swatch c-${id}`} /> {id === "overhead" ? text.overheads : shortName(id)}</span>)}
      </p>
      <p>{fitSummary(known.map((one) => one?.fits), values.map(label))}</p>
      <details>
        <summary>{text.asTable}</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label={text.chart(name)}>
          <table>
            <thead>
              <tr>
                <th scope="col">{name}</th>
                <th scope="col" class="number">{text.needs}, {unit}</th>
                <th scope="col">{text.verdict}</th>
                <th scope="col"><span class="unseen">{text.use}</span></th>
              </tr>
            </thead>
            <tbody>
              {outcomes.map((one, i) => (
                <tr key={i}>
                  <th scope="row">{label(values[i])}</th>
                  <td class="number">{"refused" in one ? "–" : sizeNumber(asNeeded(one).expected, unit, 2)}</td>
                  <td>{"refused" in one ? one.refused : fitText(asNeeded(one).fits, "")}</td>
                  <td>{!("refused" in one) && <button type="button" aria-label={text.useOf(label(values[i]))} onClick={() => use(values[i])}>{text.use}</button>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </section>
  );
}

export const fitText = (fits: boolean | undefined, before = ", ") => (fits === undefined ? "" : `${before}${fits ? text.fits : text.fitsNot}`);

function fitSummary(fits: (boolean | undefined)[], labels: string[]): string {
  if (!fits.some((one) => one !== undefined)) return "";
  if (fits.every((one) => one !== false)) return text.allFit;
  const last = fits.lastIndexOf(true);
  return last < 0 ? text.noneFits : text.mostThatFits(labels[last]);
}
