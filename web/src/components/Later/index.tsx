import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";

/** A part whose code comes once the first answer is on screen. Until then, and where it does not come, nothing stands there. */
export function Later({ load }: { load: () => Promise<{ default: FunctionComponent }> }) {
  const [Part, setPart] = useState<FunctionComponent>();
  useEffect(() => void requestAnimationFrame(() => setTimeout(() => load().then((part) => setPart(() => part.default), () => undefined))), []);
  return Part ? <Part /> : null;
}
