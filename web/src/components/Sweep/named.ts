import { countOrText, grouped } from "../../format/counts";
import type { Axis } from "../../sweep/axes";

/** An axis as it is drawn: with the name of its field. */
export interface Named extends Axis {
  name: string;
  key: string;
}

/** A value as people read it. */
export function valueText(value: unknown): string {
  const count = countOrText(String(value));
  return typeof count === "number" && Number.isInteger(count) ? grouped(count) : String(value);
}
