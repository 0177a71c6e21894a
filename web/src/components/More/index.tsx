import { usePage } from "../../state/page";
import * as text from "../../text/details";
import { Folded } from "../Folded";
import "./style.css";

/** What goes beyond the answer: each part's code comes when it is opened. */
export function More() {
  const { answer, pins } = usePage();
  const title = text.compareTitle(pins.length);
  return (
    <div class="more-parts">
      {answer?.scenario.task === "training" && answer.scenario.model.parameters === undefined && <Folded title={text.ladderTitle} load={() => import("../Ladder")} />}
      <Folded title={text.sweepTitle} load={() => import("../Sweep")} />
      {answer?.scenario.model.parameters === undefined && <Folded title={text.planTitle} load={() => import("../Plan")} />}
      <Folded title={title} load={() => import("../Compare")} opener={pins.length} />
      <Folded title={text.commandTitle} load={() => import("../Command")} />
      <Folded title={text.logTitle} load={() => import("../LogCompare")} />
      <Folded title={text.embedTitle} load={() => import("../Embed")} />
      <p class="unseen" role="status">{pins.length > 0 && title}</p>
    </div>
  );
}
