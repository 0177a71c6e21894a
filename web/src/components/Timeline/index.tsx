import { useState } from "preact/hooks";
import type { Answer, Moment } from "../../engine/types";
import { axisTicks, sizeNumber, sizeText } from "../../format/bytes";
import { usePage } from "../../state/page";
import * as text from "../../text/details";
import { limit } from "../../text/en";
import { phaseNames, shortName } from "../../text/words";
import { areas, runsOf } from "./shape";
import "./style.css";

const height = 160;

/** What is alive from moment to moment, stacked by part in the order of the bar. */
export function Timeline({ answer }: { answer: Answer }) {
  const { unit } = usePage();
  const [pointed, setPointed] = useState<number>();
  // Moments before the first phase hold nothing yet.
  const moments = (answer.timeline ?? []).filter(({ phase }) => phase !== "");
  if (moments.length < 2) return null;
  const { usableBytes } = answer.devices[0];
  const peak = moments.reduce((best, { bytes }, i) => (bytes > moments[best].bytes ? i : best), 0);
  const top = moments[peak].bytes * 1.08;
  const limited = usableBytes !== undefined && usableBytes <= top;
  const ids = answer.devices[0].components.map(({ id }) => id).filter((id) => moments.some(({ components }) => components[id] > 0));
  const told = pointed !== undefined && moments[pointed] ? pointed : peak;
  const above = (bytes: number) => ({ bottom: `${(bytes / top) * 100}%` });
  const along = (i: number) => `${((i + 0.5) / moments.length) * 100}%`;

  return (
    <section class="timeline">
      <h2>
        {text.timeline} <small>{text.timelineNote}</small>
        <output aria-live="off">{`${told === peak ? `${text.atPeak} · ` : ""}${where(moments[told])} · ${sizeText(moments[told].bytes, unit, 2)}`}</output>
      </h2>
      <div class="plot">
        {axisTicks(top, unit, 3).map((tick) => <span key={tick} class="tick" style={above(tick)}>{`${sizeNumber(tick, unit, 1).replace(/\.0$/, "")}`}</span>)}
        <svg viewBox={`0 0 ${moments.length} ${height}`} preserveAspectRatio="none" role="img"
          aria-label={`${text.timeline}: ${text.atPeak} ${where(moments[peak])}, ${sizeText(moments[peak].bytes, unit, 2)}`}
          onPointerMove={(event) => setPointed(Math.floor((event.offsetX / event.currentTarget.clientWidth) * moments.length))}
          onPointerLeave={() => setPointed(undefined)}>
          {areas(moments, ids, top, height).map(({ id, path }) => <path key={id} class={`c-${id}`} d={path} />)}
        </svg>
        {limited && <div class="cap" style={above(usableBytes)}><span>{limit}</span></div>}
        <div class="flag" style={{ left: along(peak), ...above(moments[peak].bytes) }} />
        {pointed !== undefined && <div class="here" style={{ left: along(told) }} />}
      </div>
      <ol class="phases" aria-hidden="true">
        {runsOf(moments).map(({ phase, length }, i) => <li key={i} class={length / moments.length < 0.1 ? "narrow" : undefined} style={{ flexGrow: length }}><span>{phaseNames[phase]?.name ?? phase}</span></li>)}
      </ol>
      <p class="legend">
        {ids.map((id) => <span key={id}><i class={`swatch c-${id}`} /> {shortName(id)}</span>)}
      </p>
      <details>
        <summary>{text.asTable}</summary>
        <MomentTable moments={moments} ids={ids} peak={peak} />
      </details>
    </section>
  );
}

const where = ({ phase, at }: Moment) => `${phaseNames[phase]?.name ?? phase}, ${at}`;

function MomentTable({ moments, ids, peak }: { moments: Moment[]; ids: string[]; peak: number }) {
  const { unit } = usePage();
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={text.timeline}>
      <table>
        <thead>
          <tr>
            {[text.phase, text.place].map((name) => <th key={name} scope="col">{name}</th>)}
            {["", ...ids].map((id) => <th key={id} scope="col" class="number">{id ? shortName(id) : unit}</th>)}
          </tr>
        </thead>
        <tbody>
          {moments.map((moment, i) => (
            <tr key={i} class={i === peak ? "peak" : undefined}>
              <td>{phaseNames[moment.phase]?.name ?? moment.phase}</td>
              <td>{i === peak ? `${moment.at} (${text.atPeak})` : moment.at}</td>
              <td class="number">{sizeNumber(moment.bytes, unit, 2)}</td>
              {ids.map((id) => <td key={id} class="number">{sizeNumber(moment.components[id], unit, 2)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
