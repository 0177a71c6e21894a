import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import * as text from "../../text/details";
import "./style.css";

interface Props {
  title: string;
  load: () => Promise<{ default: FunctionComponent<{ opener?: unknown }> }>;
  /** Opened by something else than its own summary, too, whenever this changes to something true; the part gets it. */
  opener?: unknown;
}

/** A section whose code arrives when it is first opened. */
export function Folded({ title, load, opener }: Props) {
  const [open, setOpen] = useState(false);
  const [Part, setPart] = useState<FunctionComponent<{ opener?: unknown }>>();
  const [failed, setFailed] = useState(false);
  useEffect(() => void (opener && setOpen(true)), [opener]);
  useEffect(() => {
    if (!open || Part) return;
    setFailed(false);
    load().then((loaded) => setPart(() => loaded.default), () => setFailed(true));
  }, [open]);
  return (
    <details class="folded" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary><h2>{title}</h2></summary>
      {open && Part && <Part opener={opener} />}
      {open && failed && <p class="refusal" role="alert">{text.notLoaded}</p>}
    </details>
  );
}
