// A sweep as comma-separated values, sizes in bytes.
import { csvText } from "../format/csv";
import { type Axis, pointOf } from "./axes";
import type { Outcome } from "./figures";

const heads = ["allocatedBytes", "processBytes", "neededBytes", "usableBytes", "fits"];

export function sweepCsv(axes: Axis[], outcomes: Outcome[]): string {
  const rows = outcomes.map((one, i) => [...pointOf(axes, i), ...("refused" in one ? [...heads.map(() => undefined), one.refused] : [one.allocated, one.expected, one.needed, one.usable, one.fits, ""])]);
  return csvText([[...axes.map(({ path }) => path), ...heads, "issues"], ...rows]);
}
