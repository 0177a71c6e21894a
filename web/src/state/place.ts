// Where the form comes from and where its answers go: the page's address, or an element within somebody else's page.
import type { Estimate, Scenario } from "../engine/types";

export interface Place {
  /** Undefined where no scenario lies there, null where it cannot be read. */
  read: () => Record<string, unknown> | undefined | null;
  write: (scenario: unknown) => void;
  /** Calls whenever another scenario lies there; returns how to stop it. */
  watch: (changed: () => void) => () => void;
  /** Called with every answer. */
  tell: (estimate: Estimate, scenario?: Scenario) => void;
}

/** What pages listen to, theirs or ours. */
export function tellOf(target: EventTarget, estimate: Estimate): void {
  target.dispatchEvent(new CustomEvent("gpumem-estimate", { detail: estimate, bubbles: true, composed: true }));
}
