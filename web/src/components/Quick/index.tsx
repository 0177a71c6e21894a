import type { Answer, Bytes, Device } from "../../engine/types";
import { sizeText } from "../../format/bytes";
import { usePage } from "../../state/page";
import { isPartial } from "../../state/uncounted";
import * as text from "../../text/details";
import { Size } from "../Size";
import "./style.css";

/** The usual rule beside the counted answer, and why the two differ. */
export function Quick({ answer }: { answer: Answer }) {
  const { unit } = usePage();
  const { quickEstimate: quick, devices, scenario } = answer;
  // The rule is about the model as a whole, wherever its parts lie; a pool that takes all there is says nothing of what is needed.
  const over = (of: (device: Device) => Bytes) => devices.reduce((total, device) => total + of(device) * device.count, 0);
  const needed = over(({ neededBytes, processBytes, allocatedBytes }) => (neededBytes === undefined ? processBytes.expected : neededBytes + processBytes.expected - allocatedBytes));
  const sum = (...ids: string[]) => sizeText(over(({ components }) => components.filter(({ id }) => ids.includes(id)).reduce((total, { bytes }) => total + bytes, 0)), unit);
  const cache = sizeText(over((device) => neededCache(device)), unit);
  const rest = sum("activations", "logits", "workspace");
  const overheads = sizeText(over(({ processBytes, allocatedBytes }) => processBytes.expected - allocatedBytes), unit);
  const gap = quick.bytes - needed;
  const why =
    scenario.task === "training"
      ? text.whyTraining(sum("gradients", "optimizer-states"), rest, overheads)
      : text.whyInference(cache, rest, overheads);

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
            <span>{text.stepNames[id] ?? id}</span> <Size bytes={bytes} />
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

/** Of a pool that takes all there is, what the sequences asked for would need. */
function neededCache({ components, neededBytes, allocatedBytes }: Device): Bytes {
  const held = components.reduce((sum, { id, bytes }) => (id === "kv-cache" ? sum + bytes : sum), 0);
  return neededBytes === undefined ? held : neededBytes - (allocatedBytes - held);
}
