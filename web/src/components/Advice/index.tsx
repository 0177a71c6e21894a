import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Engine } from "../../engine/engine";
import "./style.css";

type Panel = ComponentType<{ engine: Engine }>;

/** What fits and what to change. It comes after the answer, and so do its script and its texts. */
export function Advice({ engine }: { engine: Engine }) {
  const [panel, setPanel] = useState<{ Panel: Panel }>();
  useEffect(() => {
    // Without it the answer still stands.
    requestAnimationFrame(() => setTimeout(() => import("./AdvicePanel").then(setPanel, () => {})));
  }, []);
  return <section class="advice">{panel && <panel.Panel engine={engine} />}</section>;
}
