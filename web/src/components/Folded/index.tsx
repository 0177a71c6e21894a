import type { FunctionComponent } from "preact";
import { useState } from "preact/hooks";
import * as text from "../../text/details";
import "./style.css";

interface Props {
  title: string;
  load: () => Promise<{ default: FunctionComponent }>;
  /** Opened and closed by something else than its own summary, too. */
  open?: boolean;
  onToggle?: (open: boolean) => void;
}

/** A section whose code arrives when it is first opened. */
export function Folded({ title, load, open: asked = false, onToggle }: Props) {
  const [open, setOpen] = useState(asked);
  const [Part, setPart] = useState<FunctionComponent>();
  const [failed, setFailed] = useState(false);
  const toggled = (now: boolean) => {
    setOpen(now);
    onToggle?.(now);
    if (now && !Part) load().then((loaded) => (setFailed(false), setPart(() => loaded.default)), () => setFailed(true));
  };
  return (
    <details class="folded" open={asked || open} onToggle={(event) => toggled(event.currentTarget.open)}>
      <summary><h2>{title}</h2></summary>
      {open && Part && <Part />}
      {open && failed && <p class="refusal" role="alert">{text.notLoaded}</p>}
    </details>
  );
}
