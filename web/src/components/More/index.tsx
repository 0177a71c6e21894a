import * as text from "../../text/details";
import { Folded } from "../Folded";
import "./style.css";

/** What goes beyond the answer: each part's code comes when it is opened. */
export function More() {
  return (
    <div class="more-parts">
      <Folded title={text.commandTitle} load={() => import("../Command")} />
      <Folded title={text.logTitle} load={() => import("../LogCompare")} />
    </div>
  );
}
