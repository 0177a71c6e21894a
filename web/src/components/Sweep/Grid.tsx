import { useState } from "preact/hooks";
import type { Bytes } from "../../engine/types";
import { sizeNumber, sizeText } from "../../format/bytes";
import { usePage } from "../../state/page";
import { asNeeded, type Figures, type Outcome } from "../../sweep/figures";
import * as text from "../../text/sweep";
import { optionName } from "../../text/words";
import { fitText } from "./Line";
import { type Named, valueText } from "./named";

/** More cells than these are drawn without their figures. */
const mostWritten = 300;
/** Shares of the limit, or of the most where there is none, that have a shade of their own. */
const steps = [0.25, 0.5, 0.75, 0.9, 1];

/** The first field's values from top to bottom, the second's from left to right. */
export function Grid({ axes, outcomes }: { axes: Named[]; outcomes: Outcome[] }) {
  const { unit, words } = usePage();
  const [rows, columns] = axes;
  const known = outcomes.map((one) => ("refused" in one ? undefined : asNeeded(one)));
  const most = Math.max(...known.map((one) => one?.expected ?? 0));
  const limited = known.some((one) => one?.usable !== undefined);
  const label = (axis: Named, i: number) => optionName(axis.key, valueText(axis.values[i]), words);
  const at = (row: number, column: number) => row * columns.values.length + column;
  const title = text.grid(rows.name, columns.name);
  const written = outcomes.length <= mostWritten;
  const table = (
    <div class="scroll" tabIndex={0} role="region" aria-label={title}>
      <table class={written ? "heat" : undefined}>
        <caption class="unseen">{title}</caption>
        <thead>
          <tr>
            <th scope="col">{`${rows.name} ↓ ${columns.name} →`}</th>
            {columns.values.map((_, i) => <th key={i} scope="col" class="number">{label(columns, i)}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows.values.map((_, row) => (
            <tr key={row}>
              <th scope="row" class="number">{label(rows, row)}</th>
              {columns.values.map((_, column) => <Cell key={column} one={outcomes[at(row, column)]} most={most} />)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
  return (
    <section class="grid">
      <h3>{title} <small>{unit}</small></h3>
      {written ? table : <Picture rows={rows.values.length} columns={columns.values.length} known={known} most={most} title={title}
        name={(row, column) => text.pointed(label(rows, row), label(columns, column))} />}
      <p class="legend">
        {steps.map((step, i) => <span key={step}><i class={`swatch shade-${i}`} /> {limited ? text.ofLimit(step) : text.upTo(sizeText(step * most, unit))}</span>)}
        {limited && <span><i class="swatch shade-over" /> {text.fitsNot}</span>}
      </p>
      {!written && <details><summary>{text.asTable}</summary>{table}</details>}
    </section>
  );
}

function shadeOf(one: Figures, most: Bytes): string {
  if (one.fits === false) return "over";
  const share = one.expected / (one.usable ?? most);
  return String(Math.max(0, steps.findIndex((step) => share <= step)));
}

function Cell({ one, most }: { one: Outcome; most: Bytes }) {
  const { unit } = usePage();
  if ("refused" in one) return <td class="number" title={one.refused}>–</td>;
  const needed = asNeeded(one);
  return (
    <td class={`number shade-${shadeOf(needed, most)}`}>
      {sizeNumber(needed.expected, unit)}
      {needed.fits === false && <span class="unseen">{fitText(false)}</span>}
    </td>
  );
}

interface PictureProps {
  rows: number;
  columns: number;
  known: (Figures | undefined)[];
  most: Bytes;
  title: string;
  name: (row: number, column: number) => string;
}

/** One outline for each shade, however many cells there are. */
function Picture({ rows, columns, known, most, title, name }: PictureProps) {
  const { unit } = usePage();
  const [pointed, setPointed] = useState<number>();
  const paths = new Map<string, string>();
  known.forEach((one, i) => {
    if (!one) return;
    const shade = shadeOf(one, most);
    paths.set(shade, `${paths.get(shade) ?? ""}M${i % columns} ${Math.floor(i / columns)}h1v1h-1z`);
  });
  const one = pointed === undefined ? undefined : known[pointed];
  const fitting = known.filter((one) => one?.fits).length;
  return (
    <>
      <output aria-live="off">{pointed === undefined ? "\u00a0" : `${name(Math.floor(pointed / columns), pointed % columns)}: ${one ? `${sizeText(one.expected, unit, 2)}${fitText(one.fits)}` : text.refused}`}</output>
      <svg class="picture" viewBox={`0 0 ${columns} ${rows}`} preserveAspectRatio="none" role="img" aria-label={`${title}: ${fitting} / ${known.length} ${text.fits}`}
        onPointerMove={(event) => {
          const cell = (offset: number, size: number, count: number) => Math.max(0, Math.min(count - 1, Math.floor((offset / size) * count)));
          const { clientWidth, clientHeight } = event.currentTarget;
          setPointed(cell(event.offsetY, clientHeight, rows) * columns + cell(event.offsetX, clientWidth, columns));
        }}
        onPointerLeave={() => setPointed(undefined)}>
        {[...paths].map(([shade, path]) => <path key={shade} class={`shade-${shade}`} d={path} />)}
      </svg>
    </>
  );
}
