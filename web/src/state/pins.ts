// Scenarios put aside to be compared.
import type { Scenario } from "../engine/types";

/** With what is on screen, as many as stand side by side. */
export const mostPins = 3;

/** The new one comes last; the same one is not put aside twice, and the oldest leaves where there are too many. */
export function withPin(pins: Scenario[], scenario: Scenario): Scenario[] {
  const text = JSON.stringify(scenario);
  return pins.some((pin) => JSON.stringify(pin) === text) ? pins : [...pins, scenario].slice(-mostPins);
}
