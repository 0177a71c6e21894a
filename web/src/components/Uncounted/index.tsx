import { usePage } from "../../state/page";
import type { Uncounted as Model } from "../../state/uncounted";
import { sizeText } from "../../format/bytes";
import { countText } from "../../format/counts";
import * as text from "../../text/en";
import "./style.css";

/** In place of the verdict, for a model that is known but not computed: what can be said, and how to go on. */
export function Uncounted({ model: { kind, instead, answer } }: { model: Model }) {
  const { set, unit } = usePage();
  const weights = answer?.devices[0].components.find(({ id }) => id === "weights");
  return (
    <div class="uncounted">
      <p role="status" aria-live="polite">
        <strong>{text.uncounted(kind)}</strong>
        {answer && weights && ` ${text.uncountedWeights(countText(answer.parameters.total), String(answer.scenario.weights), sizeText(weights.bytes, unit))}`}
        {!instead && ` ${text.uncountedConfig}`}
      </p>
      {instead && <button type="button" onClick={() => set(instead)}>{text.countInstead}</button>}
    </div>
  );
}
