import { useMemo } from "preact/hooks";
import type { Answer, Scenario } from "../../engine/types";
import { sizeText } from "../../format/bytes";
import { usePage } from "../../state/page";
import { withPin } from "../../state/pins";
import * as text from "../../text/compare";
import { fieldName } from "../../text/fields";
import { componentNames, optionName } from "../../text/words";
import { figureRows, settingRows } from "./rows";
import "./style.css";

interface Column {
  title: string;
  scenario?: Scenario;
  answer: Answer;
  drop?: () => void;
}

/** Scenarios put aside, and the one on screen. */
export default function Compare() {
  const { scenario, answer, stale, pins, setPins, estimate, catalog } = usePage();
  const known = scenario && pins.some((pin) => JSON.stringify(pin) === JSON.stringify(scenario));
  const put: Column[] = useMemo(
    () =>
      pins.flatMap((pin, i) => {
        const asked = estimate(pin);
        return asked.ok ? [{ title: text.aside(i + 1), scenario: pin, answer: asked, drop: () => setPins(pins.filter((one) => one !== pin)) }] : [];
      }),
    [pins, catalog],
  );
  const columns = answer && !known ? [...put, { title: text.onScreen, answer }] : put;
  return (
    <div class="compare">
      <p class="note">
        {`${text.hint} `}
        <button type="button" disabled={!scenario || stale || known} onClick={() => scenario && setPins(withPin(pins, scenario))}>{known ? text.same : text.pin}</button>
      </p>
      {put.length === 0 ? <p>{text.nothing}</p> : <Table columns={columns} />}
    </div>
  );
}

function Table({ columns }: { columns: Column[] }) {
  const { load, unit, words } = usePage();
  const answers = columns.map(({ answer }) => answer);
  const figure = (id: string) => (id === "process" ? text.needs : id === "usable" ? text.usable : (componentNames[id] ?? id));
  const rows = [
    ...settingRows(answers).map(({ id, cells, differs }) => ({ id, name: fieldName(id), cells: cells.map((cell) => (cell === undefined ? undefined : optionName(id, cell, words))), differs })),
    { id: "fits", name: text.fits, ...fitCells(answers) },
    ...figureRows(answers).map(({ id, cells, differs }) => ({ id, name: figure(id), cells: cells.map((cell) => (cell === undefined ? undefined : sizeText(cell, unit, 2))), differs })),
  ];
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={text.caption}>
      <table>
        <thead>
          <tr>
            <th scope="col">{text.row}</th>
            {columns.map(({ title, scenario, drop }) => (
              <th key={title} scope="col">
                {title}
                {scenario && (
                  <span>
                    <button type="button" aria-label={`${text.load}: ${title}`} onClick={() => load(scenario)}>{text.load}</button>
                    <button type="button" aria-label={`${text.drop}: ${title}`} onClick={drop}>{text.drop}</button>
                  </span>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ id, name, cells, differs }) => (
            <tr key={id} class={differs ? "differs" : undefined}>
              <th scope="row">{name}{differs && <span class="unseen">{` (${text.differs})`}</span>}</th>
              {cells.map((cell, i) => <td key={i}>{cell ?? text.absent}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function fitCells(answers: Answer[]) {
  const cells = answers.map(({ devices }) => (devices.some(({ fits }) => fits === undefined) ? undefined : devices.every(({ fits }) => fits) ? text.yes : text.no));
  return { cells, differs: cells.some((cell) => cell !== cells[0]) };
}
