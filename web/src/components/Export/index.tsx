import { useState } from "preact/hooks";
import type { Answer, Scenario } from "../../engine/types";
import { addressOf, linkOf, longestAddress } from "../../state/address";
import { usePage } from "../../state/page";
import * as text from "../../text/en";
import type { Saves as SavesPart } from "./saves";
import "./style.css";

/** Copies of what is on screen; a wrong input has no link and no figures to give. */
export function Export({ scenario }: { scenario?: Scenario }) {
  const { answer, stale, unit } = usePage();
  const [said, setSaid] = useState("");
  const [Saves, setSaves] = useState<typeof SavesPart>();
  const copy = async (content: string) => {
    try {
      await navigator.clipboard.writeText(content);
      setSaid(text.copied);
    } catch {
      setSaid(text.notCopied);
    }
    setTimeout(setSaid, 2000, "");
  };
  const share = () => (addressOf(scenario).length > longestAddress ? setSaid(text.linkTooLong) : copy(linkOf(scenario)));
  const off = stale || !answer;

  return (
    <>
      <button type="button" disabled={!scenario} onClick={share}>{text.share}</button>
      <details class="export" onToggle={() => import("./saves").then((part) => setSaves(() => part.Saves), () => setSaid(text.notCopied))}>
        <summary class="button">{text.exports}</summary>
        <div>
          <button type="button" disabled={off} onClick={() => copy(JSON.stringify(answer, null, 2))}>{text.copyJson}</button>
          <button type="button" disabled={off} onClick={async () => copy((await import("./markdown")).markdown(answer as Answer, unit))}>{text.copyMarkdown}</button>
          {Saves && <Saves off={off} answer={answer} unit={unit} say={setSaid} />}
        </div>
      </details>
      <span class="said" role="status">{said}</span>
    </>
  );
}
