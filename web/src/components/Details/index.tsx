import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Answer } from "../../engine/types";
import * as text from "../../text/en";

/** Everything below the verdict and the bar; its code comes once those are on screen. */
export function Details({ answer }: { answer: Answer }) {
  const [Part, setPart] = useState<FunctionComponent<{ answer: Answer }>>();
  const [failed, setFailed] = useState(false);
  useEffect(() => void import("../Answered").then((loaded) => setPart(() => loaded.default), () => setFailed(true)), []);
  if (failed) return <p class="refusal" role="alert">{text.detailsNotLoaded}</p>;
  return Part ? <Part answer={answer} /> : null;
}
