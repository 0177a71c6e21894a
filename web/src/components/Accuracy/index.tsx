import recorded from "../../../../build/accuracy.json";
import type { Answer } from "../../engine/types";
import { grouped } from "../../format/counts";
import * as text from "../../text/accuracy";
import "./style.css";

interface Row {
  group: string;
  quantity: string;
  answered: number;
  median: number;
  p95: number;
}

/** Errors on recorded cases of the same task, engine and method. */
export function Accuracy({ answer: { scenario } }: { answer: Answer }) {
  const kind = [scenario.task, scenario.engine?.name, scenario.task === "training" && scenario.training?.method].filter(Boolean).join(" ");
  const rows = (recorded as Record<string, Row[] | undefined>)[kind] ?? [];
  return (
    <section class="accuracy">
      <h2>{text.title}</h2>
      {rows.length === 0 ? <p>{text.none}</p> : (
        <table>
          <thead>
            <tr>
              <th scope="col">{text.what}</th>
              {[text.cases, text.median, text.most].map((name) => <th key={name} scope="col" class="number">{name}</th>)}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ group, quantity, answered, median, p95 }) => (
              <tr key={group + quantity}>
                <th scope="row">{text.quantity(quantity)} <small>{text.against(group)}</small></th>
                <td class="number">{grouped(answered)}</td>
                <td class="number">{text.error(median)}</td>
                <td class="number">{text.error(p95)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
