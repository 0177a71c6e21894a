import type { Answer } from "../../engine/types";
import { countText, grouped } from "../../format/counts";
import * as text from "../../text/en";
import "./style.css";

/** What the answer takes for granted. */
export function Notes({ answer }: { answer: Answer }) {
  const { parameters, assumptions, scenario } = answer;
  return (
    <section class="notes">
      <h2>{text.assumptions}</h2>
      <ul>
        <li title={grouped(parameters.total)}>{text.parameters(countText(parameters.total))}</li>
        {parameters.trainable > 0 && parameters.trainable < parameters.total && <li title={grouped(parameters.trainable)}>{text.trained(countText(parameters.trainable))}</li>}
        <li>{`${text.engine}: ${scenario.engine?.name} ${scenario.engine?.version}`}</li>
        {assumptions.map(({ id, message }, i) => <li key={`${id}${i}`}>{message}</li>)}
      </ul>
    </section>
  );
}
