import type { Answer } from "../../engine/types";
import { countText, grouped } from "../../format/counts";
import * as text from "../../text/details";
import { parameters, engine } from "../../text/en";
import "./style.css";

/** What the answer takes for granted. */
export function Notes({ answer }: { answer: Answer }) {
  const { assumptions, scenario } = answer;
  const { total, trainable } = answer.parameters;
  return (
    <section class="notes">
      <h2>{text.assumptions}</h2>
      <ul>
        <li title={grouped(total)}>{parameters(countText(total))}</li>
        {trainable > 0 && trainable < total && <li title={grouped(trainable)}>{text.trained(countText(trainable))}</li>}
        <li>{`${engine}: ${scenario.engine?.name} ${scenario.engine?.version}`}</li>
        {assumptions.map(({ id, message }, i) => <li key={`${id}${i}`}>{message}</li>)}
      </ul>
    </section>
  );
}
