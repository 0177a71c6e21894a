import type { Answer } from "../../engine/types";
import type { Unit } from "../../format/bytes";
import * as text from "../../text/export";
import { type Kind, save } from "./save";

interface Props {
  off: boolean;
  answer?: Answer;
  unit: Unit;
  say: (sentence: string) => void;
}

/** The lower part of the menu: files, and paper. */
export function Saves({ off, answer, unit, say }: Props) {
  const keep = (kind: Kind) => save(kind, answer as Answer, unit).catch(() => say(text.notSaved));
  return (
    <>
      {text.saves.map(([kind, name]) => <button type="button" key={kind} disabled={off} onClick={() => void keep(kind)}>{name}</button>)}
      <button type="button" disabled={off} onClick={() => print()}>{text.print}</button>
    </>
  );
}
