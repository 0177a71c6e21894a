import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Answer, Band, Bytes, Device } from "../../engine/types";
import { exactText, rangeText, sizeNumber } from "../../format/bytes";
import { percentText } from "../../format/counts";
import { usePage } from "../../state/page";
import * as text from "../../text/details";
import { onDevice } from "../../text/en";
import { figureNotes, processNote } from "../../text/engines";
import { componentNames } from "../../text/words";
import { Opened, SourceLink } from "../Opened";
import "./style.css";

/** The parts at the peak, then what measurement adds to them; every row opens in place. */
export function Breakdown({ answer, device, name }: { answer: Answer; device: Device; name?: string }) {
  const { unit, wantTensors } = usePage();
  const [open, setOpen] = useState<Record<string, boolean>>({});
  const notes = figureNotes(answer.scenario.engine?.name);
  // Where nothing lies between the two, one line says it.
  const { reservedBytes: held, allocatedBytes } = device;
  const allocator = held.low !== held.high || held.high !== allocatedBytes;
  const toggle = (id: string) => {
    wantTensors();
    setOpen({ ...open, [id]: !open[id] });
  };

  return (
    <section class="breakdown">
      <h2 class={name && "unseen"}>{name ? `${text.breakdown} ${onDevice(name)}` : text.breakdown}</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">{text.component}</th>
            <th scope="col" class="number">{unit}</th>
            <th scope="col" class="number">{text.percent}</th>
          </tr>
        </thead>
        <tbody>
          {device.components.filter(({ bytes }) => bytes > 0).map(({ id, bytes }) => (
            <Row key={id} id={id} name={componentNames[id] ?? id} note={notes.parts[id]} open={open[id]} onToggle={() => toggle(id)}
              size={<Exact bytes={bytes} />} percent={percentText(bytes, device.allocatedBytes)}>
              <Opened id={id} answer={answer} device={device} />
            </Row>
          ))}
          <Total name={text.allocated} note={notes.allocated} size={<Exact bytes={device.allocatedBytes} />} />
          {device.overheads.map((overhead) => (
            <Row key={overhead.id} id="overhead" name={text.overheadNames(overhead.id)} open={open[overhead.id]} onToggle={() => toggle(overhead.id)} size={<Range band={overhead} />}>
              <p>{`${exactText(overhead.low)} … ${exactText(overhead.high)}`}</p>
              <SourceLink source={overhead.source} />
            </Row>
          ))}
          {allocator && <Total name={text.reserved} note={notes.reserved} size={<Range band={held} />} />}
          <Total name={text.process} note={processNote(device)} size={<Range band={device.processBytes} />} />
        </tbody>
      </table>
    </section>
  );
}

function Exact({ bytes }: { bytes: Bytes }) {
  const { unit } = usePage();
  return <span title={exactText(bytes)}>{sizeNumber(bytes, unit, 2)}</span>;
}

function Range({ band }: { band: Band }) {
  const { unit } = usePage();
  const shown = rangeText(band.low, band.high, unit, 2).replace(`\u00a0${unit}`, "");
  return <span class="range" title={`${exactText(band.low)} … ${exactText(band.expected)} … ${exactText(band.high)}`}>{shown}</span>;
}

interface RowProps {
  id: string;
  name: string;
  /** What the engine's log calls it. */
  note?: string;
  size: ComponentChildren;
  percent?: string;
  open?: boolean;
  onToggle: () => void;
  children: ComponentChildren;
}

function Row({ id, name, note, size, percent, open = false, onToggle, children }: RowProps) {
  return (
    <>
      <tr>
        <th scope="row">
          <button type="button" class="opener" aria-expanded={open} onClick={onToggle}>
            <i class={`swatch c-${id}`} />
            <span>{name} {note && <small>{note}</small>}</span>
          </button>
        </th>
        <td class="number">{size}</td>
        <td class="number">{percent}</td>
      </tr>
      {open && (
        <tr class="opened">
          <td colSpan={3}>{children}</td>
        </tr>
      )}
    </>
  );
}

function Total({ name, note, size }: { name: string; note: string; size: ComponentChildren }) {
  return (
    <tr class="total">
      <th scope="row">
        {name} <small>{note}</small>
      </th>
      <td class="number">{size}</td>
      <td />
    </tr>
  );
}
