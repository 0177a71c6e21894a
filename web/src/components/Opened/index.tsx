import { useState } from "preact/hooks";
import type { Answer, Device, TensorRow } from "../../engine/types";
import { usePage } from "../../state/page";
import * as text from "../../text/details";
import { Size } from "../Size";
import "./style.css";

const firstFew = 8;

/** Inside a part: its formula, the same with numbers, where it comes from, and the single tensors. */
export function Opened({ id, answer, device }: { id: string; answer: Answer; device: Device }) {
  const explanation = answer.explanations?.find((row) => row.id === id);
  const tensors = device.tensors?.filter(({ component }) => component === id) ?? [];
  return (
    <>
      {explanation && (
        <p class="formula">
          {explanation.formula}
          <br />
          <span>{explanation.substituted}</span>
        </p>
      )}
      {explanation && <SourceLink source={explanation.source} />}
      {tensors.length > 0 ? <Tensors rows={tensors} /> : id !== "rounding" && <p>{text.noTensors}</p>}
    </>
  );
}

export function SourceLink({ source }: { source: string }) {
  const { sources } = usePage().words;
  const known = Object.hasOwn(sources, source) ? sources[source] : undefined;
  return (
    <p>
      {`${text.source}: `}
      {known ? <a href={known.url} rel="noreferrer">{known.title}</a> : source}
    </p>
  );
}

function Tensors({ rows }: { rows: TensorRow[] }) {
  const [all, setAll] = useState(false);
  const shown = all ? rows : rows.slice(0, firstFew);
  return (
    <div class="scroll tensors" tabIndex={0} role="region" aria-label={text.tensor}>
      <table>
        <thead>
          <tr>
            {[text.tensor, text.shape, text.format].map((name) => <th key={name} scope="col">{name}</th>)}
            <th scope="col" class="number">{text.copies}</th>
            <th scope="col" class="number" />
          </tr>
        </thead>
        <tbody>
          {shown.map((row, i) => (
            <tr key={i}>
              <th scope="row">{row.name}</th>
              <td>{row.shape.join(" × ")}</td>
              <td>{row.format}</td>
              <td class="number">{row.copies > 1 ? `× ${row.copies}` : ""}</td>
              <td class="number"><Size bytes={row.bytes} /></td>
            </tr>
          ))}
        </tbody>
      </table>
      {!all && rows.length > firstFew && <button type="button" onClick={() => setAll(true)}>{text.allTensors(rows.length)}</button>}
    </div>
  );
}
