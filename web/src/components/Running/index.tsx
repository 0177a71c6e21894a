import { grouped } from "../../format/counts";
import * as text from "../../text/running";
import type { Progress } from "../../work/use_job";

/** How far it is, how to stop it, and why it went wrong. What takes no time is not announced. */
export function Running({ job: { running, done, failed, cancel }, of }: { job: Progress; of?: number }) {
  if (failed) return <p class="refusal" role="alert">{text.failed(failed)}</p>;
  if (!running) return null;
  const said = of === undefined ? text.running(grouped(done)) : text.runningOf(grouped(done), grouped(of));
  return (
    <p class="running">
      <progress aria-label={said} value={of === undefined ? undefined : done} max={of} /> <span>{said}</span>
      <button type="button" onClick={cancel}>{text.cancel}</button>
    </p>
  );
}
