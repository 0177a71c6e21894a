import type { Answer } from "../../engine/types";
import * as text from "../../text/print";
import { leavesOf } from "./leaves";
import { titleOf } from "../Export/title";
import "./style.css";

/** On paper only: what was asked, in place of the fields. */
export function Print({ answer }: { answer: Answer }) {
  return (
    <section class="printed" aria-hidden="true">
      <h1>{titleOf(answer)}</h1>
      <p>{leavesOf(answer.scenario).map(([name, value]) => <span key={name}>{`${name} ${value}`}</span>)}</p>
      <p>{text.made(new Date())}</p>
    </section>
  );
}
