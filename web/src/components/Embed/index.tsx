import { useState } from "preact/hooks";
import { elementSnippet, frameSnippet } from "../../element/snippets";
import { usePage } from "../../state/page";
import * as text from "../../text/embed";
import { copied, notCopied } from "../../text/en";
import "../Command/style.css";

/** What is on screen, as something to put into another page. */
export default function Embed() {
  const { scenario } = usePage();
  if (!location.protocol.startsWith("http")) return <p>{text.onlyServed}</p>;
  if (!scenario) return null;
  const home = new URL(".", location.href).href;
  return (
    <div class="embed">
      <Snippet title={text.asElement} note={text.elementNote} code={elementSnippet(scenario, home)} />
      <Snippet title={text.asFrame} note={text.frameNote} code={frameSnippet(scenario, home)} />
    </div>
  );
}

function Snippet({ title, note, code }: { title: string; note: string; code: string }) {
  const [said, setSaid] = useState("");
  const copy = async () => {
    setSaid(await navigator.clipboard.writeText(code).then(() => copied, () => notCopied));
    setTimeout(setSaid, 2000, "");
  };
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <pre tabIndex={0} aria-label={title}>{code}</pre>
      <button type="button" onClick={copy}>{text.copy}</button> <span role="status">{said}</span>
      <p class="note">{note}</p>
    </section>
  );
}
