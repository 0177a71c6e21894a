// What a sweep keeps of each estimate.
import type { Answer, Bytes, Device, Estimate } from "../engine/types";

export interface Figures {
  /** Of the device that is worst off. */
  allocated: Bytes;
  low: Bytes;
  expected: Bytes;
  high: Bytes;
  usable?: Bytes;
  /** Of an engine that takes a pool of what is left: tensors, with no more than what was asked for in the pool. */
  needed?: Bytes;
  /** Every device; absent where no limit is known. */
  fits?: boolean;
  components: Record<string, Bytes>;
}
/** What is wrong there, in the engine's words. */
export interface Refused {
  refused: string;
}
export type Outcome = Figures | Refused;

/** Where several do not fit, the first of them; the engine puts the fullest first. */
export const worstOf = ({ devices }: Answer): Device => devices.find(({ fits }) => fits === false) ?? devices[0];

export function outcomeOf(estimate: Estimate): Outcome {
  if (!estimate.ok) return { refused: estimate.issues.map(({ path, message }) => (path ? `${path} ${message}` : message)).join("; ") };
  const { allocatedBytes, processBytes, usableBytes, neededBytes, fits, components } = worstOf(estimate);
  const alive = components.filter(({ bytes }) => bytes > 0).map(({ id, bytes }) => [id, bytes]);
  return { ...processBytes, allocated: allocatedBytes, usable: usableBytes, needed: neededBytes, fits, components: Object.fromEntries(alive) };
}

/** With the pool cut to what was asked for, or grown to it: whether that fits at the same time is another question than whether the engine starts. */
export function asNeeded(one: Figures): Figures {
  if (one.needed === undefined) return one;
  const more = one.allocated - one.needed;
  const expected = one.expected - more;
  const fits = one.usable !== undefined && expected > one.usable ? false : one.fits;
  const pool = Math.max(0, (one.components["kv-cache"] ?? 0) - more);
  return { ...one, fits, allocated: one.needed, low: one.low - more, expected, high: one.high - more, components: { ...one.components, "kv-cache": pool } };
}
