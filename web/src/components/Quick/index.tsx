import type { Answer } from "../../engine/types";
import { sizeText } from "../../format/bytes";
import { usePage } from "../../state/page";
import { isPartial } from "../../state/uncounted";
import * as text from "../../text/en";
import { stepNames } from "../../text/words";
import { Size } from "../Size";
import "./style.css";

/** The usual rule beside the counted answer, and why the two differ. */
export function Quick({ answer }: { answer: Answer }) {
  const { unit } = usePage();
  const { quickEstimate: quick, devices, scenario } = answer;
  const { components, processBytes, allocatedBytes } = devices[0];
  const sum = (...ids: string[]) => sizeText(components.filter(({ id }) => ids.includes(id)).reduce((total, { bytes }) => total + bytes, 0), unit);
  const rest = sum("activations", "logits", "workspace");
  const overheads = sizeText(processBytes.expected - allocatedBytes, unit);
  const gap = quick.bytes - processBytes.expected;
  const why =
    scenario.task === "training"
      ? text.whyTraining(sum("gradients", "optimizer-states"), rest, overheads)
      : text.whyInference(sum("kv-cache"), rest, overheads);

  return (
    <section class="quick">
      <h2>{text.quick}</h2>
      <p>
        <strong><Size bytes={quick.bytes} digits={1} /></strong>
        {`: ${gap < 0 ? text.quickLess(sizeText(Math.abs(gap), unit)) : text.quickMore(sizeText(gap, unit))}`}
      </p>
      <p class="formula"><span>{quick.formula}</span></p>
      <ul>
        {quick.steps.map(({ id, bytes }) => (
          <li key={id}>
            <span>{stepNames[id] ?? id}</span> <Size bytes={bytes} />
          </li>
        ))}
      </ul>
      {!isPartial(answer) && <p>{why}</p>}
      {quick.asPublished && (
        <p>
          {`${text.published}: `}
          <Size bytes={quick.asPublished.bytes} />
          {`. ${quick.asPublished.note}`}
        </p>
      )}
    </section>
  );
}
